package config

import (
	"iter"
	"slices"
	"strings"
)

// Identify says who a caller must be.
type Identify struct {
	None         bool         // the word "none": nobody is asked
	By           []string     `yaml:"by"`            // see ways
	AuthServers  []string     `yaml:"auth_servers"`  // filled in by SetDefaults when there is just one
	Combine      string       `yaml:"combine"`       // or (default), and
	Applications string       `yaml:"applications"`  // registered (default), all, none
	Anonymous    bool         `yaml:"anonymous"`     // a caller who presents nothing passes
	Token        *TokenSource `yaml:"token"`         // where it stands; SetDefaults says Authorization: Bearer
	APIKey       *TokenSource `yaml:"api_key"`       // where it stands; SetDefaults says X-Gateway-APIKey
	AudienceAlso []string     `yaml:"audience_also"` // api_uri, application_id: more aud that are good
	// SenderConstrained are the ways of which a token must be bound in one: dpop,
	// mtls; empty: whether it is bound is its issuer's choice.
	SenderConstrained []string      `yaml:"sender_constrained"`
	ClaimHeaders      []ClaimHeader `yaml:"claim_headers"` // in the order of the file
	// CallerHeaders say more of the caller, ClaimHeader.Claim being one of
	// subject, issuer, application.name and application.id.
	CallerHeaders []ClaimHeader `yaml:"caller_headers"`
}

// TokenSource is where a caller may put its token, or its API key. Of all places,
// exactly one must hold one.
type TokenSource struct {
	Header string `yaml:"header"`
	Scheme string `yaml:"scheme"` // what precedes it in Header; default Bearer for tokens in Authorization, elsewhere NoScheme
	Cookie string `yaml:"cookie"`
	Query  string `yaml:"query"`
}

// NoScheme is the word for a header that holds the token alone.
const NoScheme = "none"

// ClaimHeader copies a claim to an upstream header.
type ClaimHeader struct{ Header, Claim string }

// ways are the words of Identify.By. Those of unproven show nothing that only
// the caller could have, and those of named know no caller but applications.
var (
	ways     = []string{"jwt", "opaque", "api_key", "basic", "certificate", "ip", "hostname", "payload"}
	unproven = []string{"ip", "hostname", "payload"}
	named    = append([]string{"api_key"}, unproven...)
)

// Uses reports whether one of these ways identifies callers.
func (id *Identify) Uses(ways ...string) bool {
	return slices.ContainsFunc(ways, func(way string) bool { return slices.Contains(id.By, way) })
}

// Tokens reports whether tokens identify callers.
func (id *Identify) Tokens() bool { return id.Uses("jwt", "opaque") }

// only reports whether callers are identified by nothing but these ways.
func (id *Identify) only(ways []string) bool {
	return !slices.ContainsFunc(id.By, func(way string) bool { return !slices.Contains(ways, way) })
}

// TokenSources are all places where callers of some API, or the gateway for its
// upstream, put a token or a key.
func (c *Config) TokenSources() iter.Seq[*TokenSource] {
	return func(yield func(*TokenSource) bool) {
		for l := range c.AllLevels() {
			if out := l.Policies.Outbound; out != nil && out.APIKey != nil && !yield(&TokenSource{Header: out.APIKey.Header, Query: out.APIKey.Query}) {
				return
			}
			id := l.Policies.Identify
			if id == nil {
				continue
			}
			for _, place := range []*TokenSource{id.Token, id.APIKey} {
				if place != nil && !yield(place) {
					return
				}
			}
		}
	}
}

// CallerFields are the headers in which some level of an API shows its upstream
// who calls, in small letters.
func (c *Config) CallerFields(api int) (names []string) {
	for _, p := range c.policiesOf(api) {
		if p.Identify == nil {
			continue
		}
		for _, h := range slices.Concat(p.Identify.ClaimHeaders, p.Identify.CallerHeaders) {
			if name := strings.ToLower(h.Header); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// TokenRules is what an API asks of tokens, or global policies ask for it; nil
// when tokens do not identify its callers.
func (c *Config) TokenRules(api int) *Identify {
	if id := c.APIs[api].Policies.Identify; id != nil && id.Tokens() {
		return id
	}
	for _, l := range c.Levels(api, "", nil) {
		if id := l.Policies.Identify; id != nil && id.Tokens() {
			return id
		}
	}
	return nil
}

func (id *Identify) setDefaults(servers []AuthServer) {
	setDefault(&id.Combine, "or")
	setDefault(&id.Applications, "registered")
	if id.Tokens() {
		if id.AuthServers == nil && len(servers) == 1 {
			id.AuthServers = []string{servers[0].Name}
		}
		if id.Token == nil {
			id.Token = &TokenSource{Header: "Authorization"}
		}
	}
	if id.APIKey == nil && id.Uses("api_key") {
		id.APIKey = &TokenSource{Header: "X-Gateway-APIKey"}
	}
	if id.Token != nil {
		id.Token.setDefaults("Bearer")
	}
	if id.APIKey != nil {
		id.APIKey.setDefaults(NoScheme)
	}
}

// setDefaults fills in the scheme, which in Authorization is this one.
func (t *TokenSource) setDefaults(scheme string) {
	if t.Header == "" {
		return
	}
	if !strings.EqualFold(t.Header, "Authorization") {
		scheme = NoScheme
	}
	setDefault(&t.Scheme, scheme)
}
