package config

// Upgrade says which protocols callers of an API may switch to (RFC 9110 7.8),
// and how long the tunnels live that come of it.
type Upgrade struct {
	None          bool     // the word "none": nothing but HTTP is spoken
	Protocols     []string `yaml:"protocols"`                 // default: websocket alone
	IdleTimeout   Duration `yaml:"idle_timeout" allow:"none"` // without a byte in either direction; default 1h
	MaxDuration   Duration `yaml:"max_duration" allow:"none"` // of a tunnel; default None
	Tunnels       int      `yaml:"tunnels"`                   // of this API at once; 0: limits.connections bounds them
	CloseOnExpiry bool     `yaml:"close_on_expiry"`           // end with the caller's token
}
