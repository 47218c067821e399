// Package config holds what a gateway can be told, as plain Go values: the
// grammar of the bundle, its defaults and its validation. A value is built once
// by provisioning, is never changed afterwards, and holds nothing of run time.
// Files the bundle names are read while loading, so that building a gateway
// from a Config has no side effect and its content can be compared.
//
// The structs are the grammar: a field's yaml tag is its key, and its allow tag
// lists what is refused elsewhere: "none" (the word, where no limit makes sense)
// and "empty" (a list without items). provisioning/settings reads them by these
// tags.
package config

// Config is one complete bundle: every file merged, defaults filled in.
// It is immutable once Load has returned it and may be shared by goroutines.
type Config struct {
	Ports          Ports         `yaml:"ports"`                         // where requests come in; fixed while running
	TLS            *TLS          `yaml:"tls"`                           // how the https listener speaks
	Limits         Limits        `yaml:"limits"`                        // what a caller may cost; fixed while running
	TrustedProxies []Prefix      `yaml:"trusted_proxies" allow:"empty"` // whose X-Forwarded-* and Forwarded are believed; absent: nobody's
	Shutdown       Shutdown      `yaml:"shutdown"`                      // how it ends
	APIEndpoint    APIEndpoint   `yaml:"api_endpoint"`                  // where the APIs begin
	AdminAPI       AdminAPI      `yaml:"admin_api"`                     // the operator's listener
	Tokens         Tokens        `yaml:"tokens"`                        // what holds for tokens of every auth server
	Logging        Logging       `yaml:"logging"`                       // what is written to the log
	Tracing        *Tracing      `yaml:"tracing"`                       // absent: the caller's trace context passes untouched
	AuthServers    []AuthServer  `yaml:"auth_servers" allow:"empty"`    // whose tokens are believed
	Users          []User        `yaml:"users" allow:"empty"`           // whom tokens may speak for: a list, or {file: PATH} of one
	Applications   []Application `yaml:"applications" allow:"empty"`    // who may call
	APIs           []API         `yaml:"apis" allow:"empty"`            // what is served
}

// APIEndpoint says where the APIs begin. After SetDefaults BasePath has no slash
// at its end.
type APIEndpoint struct {
	BasePath *string `yaml:"base_path"` // precedes /<api>/<version>; default /gateway; a slash at the end counts for nothing
}

// Shutdown bounds how a gateway ends.
type Shutdown struct {
	Delay Duration `yaml:"delay" allow:"none"` // readiness fails this long before the listeners close; default none
	Grace Duration `yaml:"grace"`              // requests may finish this long afterwards; default 30s
}

// AdminAPI is the operator's listener and its paths.
type AdminAPI struct {
	Listen        string `yaml:"listen"`          // ip:port; default 127.0.0.1:9485; port 0 takes a free one
	AdminPath     string `yaml:"admin_path"`      // prefix of status, settings and assets; default /rest/microgateway
	OnTrafficPort bool   `yaml:"on_traffic_port"` // serve admin_path on the traffic ports too
	Debug         bool   `yaml:"debug"`           // serve profiles below /debug/pprof/
	User          string `yaml:"user"`            // who may see more than /livez and /readyz; required beyond loopback
	Password      Secret `yaml:"password"`        // of the user
}

// Tokens is what holds for tokens of every auth server.
type Tokens struct {
	ClockSkew     Duration   `yaml:"clock_skew" allow:"none"` // default 30s
	Cache         TokenCache `yaml:"cache"`                   // the verified-token cache
	Verifications int        `yaml:"verifications"`           // signatures checked at once; default 4 × processors
}

// TokenCache bounds the verified-token cache by both of its fields.
type TokenCache struct {
	Entries int  `yaml:"entries"` // default 100000
	Size    Size `yaml:"size"`    // default 64MiB
}

// Logging says what is written to the log.
type Logging struct {
	Level  string   `yaml:"level"`  // debug, info, warn or error; default info
	Access Access   `yaml:"access"` // whose requests get a line: true (default), false or errors
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
