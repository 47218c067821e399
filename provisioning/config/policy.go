package config

// Policies are the rules of an API or of one of its scopes; nil is absent.
type Policies struct {
	Protocols []string   `yaml:"protocols"` // http, https; empty: both
	Identify  *Identify  `yaml:"identify"`
	Authorize *Authorize `yaml:"authorize"`
}

// Identify says who a caller must be.
type Identify struct {
	None         bool          // the word "none": nobody is asked
	By           []string      `yaml:"by"`            // jwt
	AuthServers  []string      `yaml:"auth_servers"`  // filled in by SetDefaults when there is just one
	Applications string        `yaml:"applications"`  // none
	ClaimHeaders []ClaimHeader `yaml:"claim_headers"` // in the order of the file
}

// ClaimHeader copies a claim to an upstream header.
type ClaimHeader struct{ Header, Claim string }

// Authorize says what an identified caller's token must hold; all of it.
type Authorize struct {
	TokenScopes *TokenScopes `yaml:"token_scopes"`
	Claims      []ClaimRule  `yaml:"claims"`
}

// TokenScopes compares the token's scope (or scp) claim.
type TokenScopes struct {
	Any []string `yaml:"any"`
	All []string `yaml:"all"`
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
