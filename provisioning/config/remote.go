package config

import "time"

// RemoteIntrospection says how tokens that are no JWT of a known issuer are
// judged: by asking the authorization server (RFC 7662).
type RemoteIntrospection struct {
	Endpoint  string `yaml:"endpoint"`
	AllowHTTP bool   `yaml:"allow_http"` // http beyond loopback

	ClientID             string `yaml:"client_id"`
	ClientAuthentication string `yaml:"client_authentication"` // client_secret_basic (default), client_secret_post, private_key_jwt or tls_client_auth
	ClientSecret         Secret `yaml:"client_secret"`         // of the first two
	// ClientKey is the PEM private key of private_key_jwt (RFC 7523); the other
	// three say how its assertions are made.
	ClientKey       File   `yaml:"client_key"`
	ClientKeyID     string `yaml:"client_key_id"`    // their kid; default: none
	ClientAlgorithm string `yaml:"client_algorithm"` // default: RS256, ES256, ES384, ES512 or EdDSA, as the key is
	ClientAudience  string `yaml:"client_audience"`  // default: the issuer, else the endpoint

	Timeout     Duration     `yaml:"timeout"`     // of one question, connecting included; default 2s
	Concurrency int          `yaml:"concurrency"` // questions at once; default 32
	TLS         *UpstreamTLS `yaml:"tls"`
	Cache       RemoteCache  `yaml:"cache"`
	// Stale is how long an answer may serve after its time while the server
	// cannot be asked, never past the token's exp; default None: not at all.
	Stale Duration `yaml:"stale" allow:"none"`
}

// RemoteCache bounds what is kept of answers.
type RemoteCache struct {
	Active   Duration `yaml:"active" allow:"none"`   // of a good token, never past its exp; default 60s; None: not kept
	Inactive Duration `yaml:"inactive" allow:"none"` // of a refused one; default 10s; None: not kept
	Entries  int      `yaml:"entries"`               // default 10000
	Size     Size     `yaml:"size"`                  // default 16MiB
}

func (r *RemoteIntrospection) setDefaults(issuer string) {
	setDefault(&r.ClientAuthentication, "client_secret_basic")
	setDefault(&r.ClientAudience, issuer)
	setDefault(&r.ClientAudience, r.Endpoint)
	setDefault(&r.Timeout, Duration(2*time.Second))
	setDefault(&r.Concurrency, 32)
	setDefault(&r.Cache.Active, Duration(time.Minute))
	setDefault(&r.Cache.Inactive, Duration(10*time.Second))
	setDefault(&r.Cache.Entries, 10000)
	setDefault(&r.Cache.Size, 16<<20)
	setDefault(&r.Stale, None)
	if r.TLS != nil {
		setDefault(&r.TLS.MinVersion, "1.2")
	}
}
