package config

import "slices"

// AuthServer is an issuer of tokens that are believed.
type AuthServer struct {
	Name     string `yaml:"name"`
	Issuer   Issuer `yaml:"issuer"`
	Required bool   `yaml:"required"` // not ready before its keys are there
	// Local verifies JWTs here; nil when the auth server has none.
	Local *LocalIntrospection `yaml:"local_introspection"`
	// Remote asks the auth server about other tokens; nil when it cannot be asked.
	Remote   *RemoteIntrospection `yaml:"remote_introspection"`
	Audience *Audience            `yaml:"audience"` // nil is a fault
	Subject  *Subject             `yaml:"subject"`  // nil: whoever it says
}

// Issuer is the iss a token must carry, byte for byte.
type Issuer struct {
	Value     string
	Unchecked bool // any or no iss; only as the sole auth server of an API
}

// LocalIntrospection says how JWTs of an issuer are verified. Exactly one of
// the key sources is set.
type LocalIntrospection struct {
	JWKSURI     string      `yaml:"jwks_uri"`
	Discovery   bool        `yaml:"discovery"` // <issuer>/.well-known/openid-configuration
	JWKS        File        `yaml:"jwks"`
	Certificate File        `yaml:"certificate"` // PEM
	PublicKey   File        `yaml:"public_key"`  // PEM
	Truststore  *Truststore `yaml:"truststore"`
	// SharedKey is the secret of HS256, HS384 and HS512; nil when there is none.
	SharedKey *Secret `yaml:"shared_key"`

	AllowHTTP          bool      `yaml:"allow_http"`                // http beyond loopback
	Algorithms         []string  `yaml:"algorithms"`                // default: every asymmetric one; with SharedKey HS256
	ClockSkew          *Duration `yaml:"clock_skew" allow:"none"`   // default: Tokens.ClockSkew, filled in by SetDefaults
	Types              []string  `yaml:"types"`                     // default JWT, at+jwt, with profile rfc9068 at+jwt; compared without case and without application/
	Profile            []string  `yaml:"profile"`                   // rfc9068, rfc8725: the checks of that RFC
	MaxLifetime        Duration  `yaml:"max_lifetime" allow:"none"` // of a token, from iat to exp; default None
	RequiredClaims     []string  `yaml:"required_claims"`           // members at the top; null and "" do not count
	Refresh            Duration  `yaml:"refresh"`                   // default 15m
	UnknownKidInterval Duration  `yaml:"unknown_kid_interval"`      // default 30s
	MaxStale           Duration  `yaml:"max_stale"`                 // default 24h
}

// Truststore is a PKCS #12 or JKS file and the entry of it whose certificate has
// the key.
type Truststore struct {
	File     File   `yaml:"file"`
	Password Secret `yaml:"password"`
	Alias    string `yaml:"alias"` // "": the only one
}

// Audience is which aud a token must hold.
type Audience struct {
	Unchecked bool
	Any       []string
	Optional  bool // required: false; checked only when the token has one
}

// Admits reports whether a token with these aud is for whoever a says.
func (a *Audience) Admits(aud []string) bool {
	if a.Unchecked || a.Optional && len(aud) == 0 {
		return true
	}
	return slices.ContainsFunc(aud, func(got string) bool { return slices.Contains(a.Any, got) })
}
