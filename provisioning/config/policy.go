package config

import "slices"

// Policies are the rules of an API, of one of its scopes, or of several APIs;
// nil is absent. Those of all levels hold, see Config.Levels.
type Policies struct {
	Protocols []string     `yaml:"protocols"` // http, https; empty: both
	Identify  *Identify    `yaml:"identify"`
	Authorize *Authorize   `yaml:"authorize"`
	CORS      *CORS        `yaml:"cors"` // of the nearest level
	Throttle  []Throttle   `yaml:"throttle"`
	Faults    *FaultPolicy `yaml:"faults"` // nil: of the level around it
}

func (p *Policies) setDefaults() {
	if p.CORS != nil {
		p.CORS.setDefaults()
	}
	if p.Faults != nil {
		p.Faults.setDefaults()
	}
}

// Identify says who a caller must be.
type Identify struct {
	None         bool         // the word "none": nobody is asked
	By           []string     `yaml:"by"`            // jwt, opaque
	AuthServers  []string     `yaml:"auth_servers"`  // filled in by SetDefaults when there is just one
	Combine      string       `yaml:"combine"`       // or (default), and
	Applications string       `yaml:"applications"`  // registered (default), all, none
	Anonymous    bool         `yaml:"anonymous"`     // a caller who presents nothing passes
	Token        *TokenSource `yaml:"token"`         // where it stands; SetDefaults says Authorization: Bearer
	AudienceAlso []string     `yaml:"audience_also"` // api_uri, application_id: more aud that are good
	// SenderConstrained are the ways of which a token must be bound in one: dpop,
	// mtls; empty: whether it is bound is its issuer's choice.
	SenderConstrained []string      `yaml:"sender_constrained"`
	ClaimHeaders      []ClaimHeader `yaml:"claim_headers"` // in the order of the file
	// CallerHeaders say more of the caller, ClaimHeader.Claim being one of
	// subject, issuer, application.name and application.id.
	CallerHeaders []ClaimHeader `yaml:"caller_headers"`
}

// TokenSource is where a caller may put its token. Of all places, exactly one
// must hold one.
type TokenSource struct {
	Header string `yaml:"header"`
	Scheme string `yaml:"scheme"` // what precedes it in Header; default Bearer in Authorization, elsewhere NoScheme
	Cookie string `yaml:"cookie"`
	Query  string `yaml:"query"`
}

// NoScheme is the word for a header that holds the token alone.
const NoScheme = "none"

// ClaimHeader copies a claim to an upstream header.
type ClaimHeader struct{ Header, Claim string }

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
