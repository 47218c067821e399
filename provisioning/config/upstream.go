package config

// Upstream is where an API's requests go.
type Upstream struct {
	Targets        []Target     `yaml:"targets"`
	Host           string       `yaml:"host"`                      // Host sent: target (default), caller, or a name
	StripPrefix    *bool        `yaml:"strip_prefix"`              // default true
	ConnectTimeout Duration     `yaml:"connect_timeout"`           // default 2s
	Timeout        Duration     `yaml:"timeout"`                   // until the response's head; default 30s
	IdleTimeout    Duration     `yaml:"idle_timeout" allow:"none"` // between two reads or writes of a body; default 60s
	MaxDuration    Duration     `yaml:"max_duration" allow:"none"` // of a whole exchange; default None
	TLS            *UpstreamTLS `yaml:"tls"`
}

// Target is one address of an upstream: scheme, host, port and a path prefix.
type Target struct {
	URL string `yaml:"url"`
}

// UpstreamTLS is how targets are spoken to over https. Their certificates are
// always verified.
type UpstreamTLS struct {
	CA          File   `yaml:"ca"`          // PEM; default: the system's
	Certificate File   `yaml:"certificate"` // client certificate, PEM
	Key         File   `yaml:"key"`
	ServerName  string `yaml:"server_name"` // default: the target's host
	MinVersion  string `yaml:"min_version"` // "1.2" (default) or "1.3"
}
