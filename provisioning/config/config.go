// Package config holds what a gateway can be told, as plain Go values: the
// grammar of the bundle, its defaults and its validation. A value is built once
// by provisioning, is never changed afterwards, and holds nothing of run time.
// Files the bundle names are read while loading, so that building a gateway
// from a Config has no side effect and its content can be compared.
//
// The structs are the grammar: a field's yaml tag is its key, and its allow tag
// lists what is refused elsewhere: "none" (the word, where no limit makes sense),
// "empty" (a list without items) and "zero" (the number 0). provisioning/settings
// reads them by these tags.
package config

// Config is one complete bundle: every file merged, defaults filled in.
// It is immutable once Load has returned it and may be shared by goroutines.
type Config struct {
	Ports          Ports    `yaml:"ports"`
	TLS            *TLS     `yaml:"tls"`
	Limits         Limits   `yaml:"limits"`
	TrustedProxies []Prefix `yaml:"trusted_proxies" allow:"empty"`
	// ClientCertificateHeader is where trusted proxies put the certificate that a
	// caller has shown to them; "": nowhere.
	ClientCertificateHeader string        `yaml:"client_certificate_header"`
	Shutdown                Shutdown      `yaml:"shutdown"`
	APIEndpoint             APIEndpoint   `yaml:"api_endpoint"`
	AdminAPI                AdminAPI      `yaml:"admin_api"`
	Tokens                  Tokens        `yaml:"tokens"`
	Bundle                  Bundle        `yaml:"bundle"`
	Store                   *Store        `yaml:"store"` // nil: nothing is shared with other copies
	Logging                 Logging       `yaml:"logging"`
	Hostnames               Hostnames     `yaml:"hostnames"`
	Tracing                 *Tracing      `yaml:"tracing"`                    // nil: the caller's trace context passes untouched
	Destinations            []Destination `yaml:"destinations" allow:"empty"` // of events
	AuthServers             []AuthServer  `yaml:"auth_servers" allow:"empty"`
	Applications            []Application `yaml:"applications" allow:"empty"`

	// Users, and what is theirs; APIGateway is where more of them are, if anywhere.
	Users          []User          `yaml:"users" allow:"empty"`
	AccessProfiles []AccessProfile `yaml:"access_profiles" allow:"empty"`
	Passwords      Passwords       `yaml:"passwords"`
	APIGateway     *APIGateway     `yaml:"api_gateway"`

	// Policies are those of several APIs, in the order in which they take place.
	Policies []GlobalPolicy `yaml:"policies" allow:"empty"`
	// Faults is for what no level states it for, and for requests that no API took.
	Faults *FaultPolicy `yaml:"faults"`
	APIs   []API        `yaml:"apis" allow:"empty"`
	// Aliases have been replaced where they are used.
	Aliases    []Alias      `yaml:"aliases"`
	TrustStore *Authorities `yaml:"trust_store"` // nil: the system's authorities
}

// APIEndpoint says where the APIs begin.
type APIEndpoint struct {
	// BasePath precedes /<api>/<version>; default "/gateway". SetDefaults
	// normalises "" and "/" to "" and removes a slash at the end.
	BasePath *string `yaml:"base_path"`
}

// Shutdown bounds how a gateway ends.
type Shutdown struct {
	Delay Duration `yaml:"delay" allow:"none"` // readiness fails this long before the listeners close; default None
	Grace Duration `yaml:"grace"`              // requests may finish this long afterwards; default 30s
}

// AdminAPI is the operator's listener and its paths.
type AdminAPI struct {
	Listen        string `yaml:"listen"`          // ip:port; default 127.0.0.1:9485; port 0 takes a free one
	AdminPath     string `yaml:"admin_path"`      // prefix of status, settings and assets; default /rest/microgateway
	OnTrafficPort bool   `yaml:"on_traffic_port"` // serve AdminPath on the traffic ports too
	Debug         bool   `yaml:"debug"`           // serve profiles below /debug/pprof/
	User          string `yaml:"user"`
	Password      Secret `yaml:"password"`
}

// Tokens is what holds for tokens of every auth server.
type Tokens struct {
	ClockSkew     Duration   `yaml:"clock_skew" allow:"none"` // default 30s
	Cache         TokenCache `yaml:"cache"`                   // the verified-token cache
	Verifications int        `yaml:"verifications"`           // signatures checked at once; default 4 × processors
	Proofs        Proofs     `yaml:"proofs"`
	Denylist      *Denylist  `yaml:"denylist"` // nil: none
}

// Proofs says which DPoP proofs are believed (RFC 9449).
type Proofs struct {
	MaxAge  Duration `yaml:"max_age"` // since iat; default 60s
	Nonce   bool     `yaml:"nonce"`   // proofs must hold a nonce of this gateway
	Entries int      `yaml:"entries"` // remembered, so that none is shown twice; default 200000
}

// TokenCache bounds the verified-token cache by both of its fields.
type TokenCache struct {
	Entries int  `yaml:"entries"` // default 100000
	Size    Size `yaml:"size"`    // default 64MiB
}

// Logging says what is written to the log.
type Logging struct {
	Level  string   `yaml:"level"`  // debug, info, warn or error; default info
	Access Access   `yaml:"access"` // whose requests get a line; default AccessAll
	Format string   `yaml:"format"` // of these lines: json or combined; default json
	Query  bool     `yaml:"query"`  // the query is in them
	Mask   []string `yaml:"mask"`   // query parameters beside access_token whose values are not
}

// Access says whose requests are logged.
type Access string

// AccessAll, AccessNone and AccessErrors are the words true, false and errors:
// every request, none, or those with a status of 400 and more or an answer that
// is not whole.
const (
	AccessAll    Access = "true"
	AccessNone   Access = "false"
	AccessErrors Access = "errors"
)
