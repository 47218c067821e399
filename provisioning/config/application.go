package config

// Application is a caller that is known by name, whoever it speaks for.
type Application struct {
	Name      string      `yaml:"name"`
	ID        string      `yaml:"id"`                 // default: Name
	APIs      []string    `yaml:"apis" allow:"empty"` // where it is registered: a name (all versions) or name/version
	Suspended bool        `yaml:"suspended"`          // it identifies nobody
	Origins   []string    `yaml:"origins"`            // of its own pages, see CORS
	Identify  Identifiers `yaml:"identify"`
	JWT       []Strategy  `yaml:"jwt"` // which tokens may speak for it; nil: those of every auth server
}

// Identifiers are what an application is found by; one of them is enough.
type Identifiers struct {
	Claims       []ClaimSet          `yaml:"claims"`
	APIKeys      []APIKey            `yaml:"api_keys"`
	IP           []AddressRange      `yaml:"ip"`
	Certificates []ClientCertificate `yaml:"certificates"`
	Basic        []BasicUser         `yaml:"basic"`
	Hostname     []string            `yaml:"hostname"` // names of the caller's address; *. and a name: any below it
	Payload      []PayloadRule       `yaml:"payload"`
}

// BasicUser is a user whose basic authentication finds an application.
type BasicUser struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"` // as User.Password has it; absent: that of Config.Users
}

// ClaimSet is claims that a token must hold, all of them, in the order of the
// file. A claim with several values must hold each of them.
type ClaimSet []ClaimValue

// ClaimValue is one claim and the text it has, or that one item of it has when
// the token says a list.
type ClaimValue struct{ Claim, Value string }

// Strategy says which tokens may speak for an application: those of an auth
// server, or those of an issuer that a key of the application's own verifies.
// Exactly one of AuthServer and Issuer is set; with Issuer exactly one key.
type Strategy struct {
	AuthServer string `yaml:"auth_server"` // name of one
	Audience   string `yaml:"audience"`    // an aud that is good for this application

	Issuer      string   `yaml:"issuer"`
	Kid         string   `yaml:"kid"`        // "": whatever the token says
	Algorithms  []string `yaml:"algorithms"` // default: HS256 with a shared key, else all that the key can
	SharedKey   Secret   `yaml:"shared_key"` // for HS256, HS384, HS512
	Certificate File     `yaml:"certificate"`
	PublicKey   File     `yaml:"public_key"`
	JWKS        File     `yaml:"jwks"`
}

// RegisteredFor reports whether the application is registered for an API.
func (a *Application) RegisteredFor(api *API) bool {
	for _, name := range a.APIs {
		if name == api.Name || name == api.FullName() {
			return true
		}
	}
	return false
}
