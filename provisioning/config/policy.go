package config

import "slices"

// Policies are the rules of an API, of one of its scopes, or of several APIs;
// nil is absent. Those of all levels hold, see Config.Levels.
type Policies struct {
	Protocols     []string        `yaml:"protocols"` // http, https; empty: both
	Identify      *Identify       `yaml:"identify"`
	Authorize     *Authorize      `yaml:"authorize"`
	CORS          *CORS           `yaml:"cors"` // of the nearest level
	Throttle      []Throttle      `yaml:"throttle"`
	IPFilter      *IPFilter       `yaml:"ipfilter"`
	Route         *Route          `yaml:"route"`    // of the nearest level
	Outbound      *Outbound       `yaml:"outbound"` // of the nearest level
	Validate      *Validation     `yaml:"validate"`
	Faults        *FaultPolicy    `yaml:"faults"` // nil: of the level around it
	Concurrency   *Concurrency    `yaml:"concurrency"`
	Cache         *Cache          `yaml:"cache"`       // of the nearest level
	Compression   *Compression    `yaml:"compression"` // of the nearest level
	Transform     *Transform      `yaml:"transform"`
	InvocationLog []InvocationLog `yaml:"invocationlog"`
	Monitor       []Monitor       `yaml:"monitor"`
	Mask          *Mask           `yaml:"mask"`
}

func (p *Policies) setDefaults() {
	if p.CORS != nil {
		p.CORS.setDefaults()
	}
	if p.Validate != nil {
		p.Validate.setDefaults()
	}
	if p.IPFilter != nil {
		p.IPFilter.setDefaults()
	}
	if p.Concurrency != nil {
		p.Concurrency.setDefaults()
	}
	if p.Compression != nil {
		p.Compression.setDefaults()
	}
	if p.Cache != nil {
		p.Cache.setDefaults()
	}
	if p.Route != nil {
		p.Route.setDefaults()
	}
	if p.Faults != nil {
		p.Faults.setDefaults()
	}
	if p.Mask != nil {
		p.Mask.setDefaults()
	}
	if p.Transform != nil {
		p.Transform.setDefaults()
	}
	for i := range p.InvocationLog {
		p.InvocationLog[i].setDefaults()
	}
	for i := range p.Monitor {
		p.Monitor[i].setDefaults()
	}
}

// Authorize says what an identified caller's token must hold; all of it.
type Authorize struct {
	// Combine says whether users, groups and access_profiles must all hold (and,
	// the default), or one of them (or).
	Combine        string       `yaml:"combine"`
	Users          *Names       `yaml:"users"`
	AccessProfiles *Names       `yaml:"access_profiles"`
	TokenScopes    *TokenScopes `yaml:"token_scopes"`
	Groups         *Groups      `yaml:"groups"`
	Claims         []ClaimRule  `yaml:"claims"`
}

// Groups compares the groups that the caller's user has, or those in a claim.
type Groups struct {
	Claim string   `yaml:"claim"` // "": of Config.Users
	Any   []string `yaml:"any"`
	All   []string `yaml:"all"`
}

// Names is some names, one of which is asked for.
type Names struct {
	Any []string `yaml:"any"`
}

// TokenScopes compares what a token grants.
type TokenScopes struct {
	Claim string   `yaml:"claim"` // a list, or a text separated by spaces; "": scope, else scp
	Any   []string `yaml:"any"`
	All   []string `yaml:"all"`
}

// ClaimRule compares one claim; exactly one of the comparisons is set. Name is
// a dot path, or a JSON pointer when it begins with a slash.
type ClaimRule struct {
	Name     string   `yaml:"name"`
	Equals   *string  `yaml:"equals"`   // the claim, as text, is this
	Contains *string  `yaml:"contains"` // the claim is a list that holds this, or a text that equals it
	OneOf    []string `yaml:"one_of"`
	Pattern  string   `yaml:"pattern"` // RE2, the whole claim
}

// ProofAlgorithms are those with which a DPoP proof may be signed.
func ProofAlgorithms() []string { return slices.Clone(asymmetric) }
