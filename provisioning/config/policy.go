package config

// Policies are the rules of an API or of one of its scopes; nil is absent.
type Policies struct {
	Protocols []string   `yaml:"protocols"` // http, https; absent: both
	Identify  *Identify  `yaml:"identify"`  // who a caller must be, or the word none
	Authorize *Authorize `yaml:"authorize"` // what the token must hold
}

// Identify says who a caller must be.
type Identify struct {
	None         bool          // the word "none": nobody is asked
	By           []string      `yaml:"by"`            // jwt
	AuthServers  []string      `yaml:"auth_servers"`  // whose tokens are believed; absent: the only one there is
	Combine      string        `yaml:"combine"`       // or (default), and
	Applications string        `yaml:"applications"`  // registered (default), all, none
	Anonymous    bool          `yaml:"anonymous"`     // a caller who presents nothing passes
	Token        *TokenSource  `yaml:"token"`         // where the token stands; default {header: Authorization, scheme: Bearer}
	AudienceAlso []string      `yaml:"audience_also"` // api_uri, application_id: more aud that are good
	ClaimHeaders []ClaimHeader `yaml:"claim_headers"` // headers that the upstream gets, by the name of a claim
	// CallerHeaders say more of the caller, ClaimHeader.Claim being one of
	// subject, issuer, application.name and application.id.
	CallerHeaders []ClaimHeader `yaml:"caller_headers"`
}

// TokenSource is where a caller may put its token. Of all places, exactly one
// must hold one.
type TokenSource struct {
	Header string `yaml:"header"` // a header field
	Scheme string `yaml:"scheme"` // what precedes it in the header; default Bearer in Authorization, elsewhere nothing
	Cookie string `yaml:"cookie"` // a cookie
	Query  string `yaml:"query"`  // a parameter of the query
}

// NoScheme is the word for a header that holds the token alone.
const NoScheme = "none"

// ClaimHeader copies a claim to an upstream header.
type ClaimHeader struct{ Header, Claim string }

// Authorize says what an identified caller's token must hold; all of it.
type Authorize struct {
	TokenScopes *TokenScopes `yaml:"token_scopes"` // scopes that the token grants
	Groups      *Groups      `yaml:"groups"`       // groups that the caller is in
	Claims      []ClaimRule  `yaml:"claims"`       // all of these must hold
}

// Groups compares the groups that the caller's user has, or those in a claim.
type Groups struct {
	Claim string   `yaml:"claim"` // where they are in the token; absent: the groups of users
	Any   []string `yaml:"any"`   // one of these
	All   []string `yaml:"all"`   // all of these
}

// TokenScopes compares what a token grants.
type TokenScopes struct {
	Claim string   `yaml:"claim"` // a list, or a text separated by spaces; absent: scope, else scp
	Any   []string `yaml:"any"`   // one of these
	All   []string `yaml:"all"`   // all of these
}

// ClaimRule compares one claim; exactly one of the comparisons is set. Name is
// a dot path, or a JSON pointer when it begins with a slash.
type ClaimRule struct {
	Name     string   `yaml:"name"`     // a dot path, or a JSON pointer when it begins with a slash
	Equals   *string  `yaml:"equals"`   // the claim, as text, is this
	Contains *string  `yaml:"contains"` // the claim is a list that holds this, or a text that equals it
	OneOf    []string `yaml:"one_of"`   // the claim, as text, is one of these
	Pattern  string   `yaml:"pattern"`  // RE2, the whole claim
}
