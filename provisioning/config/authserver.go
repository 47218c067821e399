package config

import "slices"

// AuthServer is an issuer of tokens that are believed.
type AuthServer struct {
	Name     string              `yaml:"name"`                // how APIs name it
	Issuer   Issuer              `yaml:"issuer"`              // the iss its tokens have, byte for byte; the word unchecked takes any
	Required bool                `yaml:"required"`            // not ready before its keys are there
	Local    *LocalIntrospection `yaml:"local_introspection"` // how its JWTs are verified here
	Audience *Audience           `yaml:"audience"`            // required: the aud its tokens are for, or the word unchecked
	Subject  *Subject            `yaml:"subject"`             // absent: whoever it says
}

// Issuer is the iss a token must carry, byte for byte.
type Issuer struct {
	Value     string
	Unchecked bool // any or no iss; only as the sole auth server of an API
}

// LocalIntrospection says how JWTs of an issuer are verified. Exactly one of
// the key sources is set.
type LocalIntrospection struct {
	JWKSURI     string      `yaml:"jwks_uri"`    // address of a key set
	Discovery   bool        `yaml:"discovery"`   // <issuer>/.well-known/openid-configuration
	JWKS        File        `yaml:"jwks"`        // file with a key set
	Certificate File        `yaml:"certificate"` // PEM
	PublicKey   File        `yaml:"public_key"`  // PEM
	Truststore  *Truststore `yaml:"truststore"`  // the key of a certificate in a PKCS #12 or JKS file
	SharedKey   *Secret     `yaml:"shared_key"`  // the secret of HS256, HS384 and HS512

	AllowHTTP          bool      `yaml:"allow_http"`                // http beyond loopback
	Algorithms         []string  `yaml:"algorithms"`                // default: every asymmetric one; with shared_key HS256
	ClockSkew          *Duration `yaml:"clock_skew" allow:"none"`   // default: that of tokens
	Types              []string  `yaml:"types"`                     // default JWT, at+jwt, with profile rfc9068 at+jwt; compared without case and without application/
	Profile            []string  `yaml:"profile"`                   // rfc9068, rfc8725: the checks of that RFC
	MaxLifetime        Duration  `yaml:"max_lifetime" allow:"none"` // of a token, from iat to exp; default none
	RequiredClaims     []string  `yaml:"required_claims"`           // members at the top; what is null or empty does not count
	Refresh            Duration  `yaml:"refresh"`                   // default 15m
	UnknownKidInterval Duration  `yaml:"unknown_kid_interval"`      // default 30s
	MaxStale           Duration  `yaml:"max_stale"`                 // default 24h
}

// Truststore is a PKCS #12 or JKS file and the entry of it whose certificate has
// the key.
type Truststore struct {
	File     File   `yaml:"file"`     // PKCS #12 or JKS
	Password Secret `yaml:"password"` // of the file
	Alias    string `yaml:"alias"`    // absent: the only one
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
