package config

// Ports are the traffic listeners; empty means that the listener is off.
// A value is "ip:port" or ":port"; port 0 takes a free one.
type Ports struct {
	HTTP  Address `yaml:"http"`  // default :4485 when neither is stated
	HTTPS Address `yaml:"https"` // needs TLS
}

// Address is a listen address as net.Listen takes it; "" is none.
type Address string

// NoAddress is the word "none" until SetDefaults has looked at it: leaving a
// port out and switching it off are not the same.
const NoAddress Address = "none"

// TLS is how the https listener speaks.
type TLS struct {
	Certificates []Certificate `yaml:"certificates"` // the first one serves names that no other matches
	ClientCA     File          `yaml:"client_ca"`    // PEM; asks callers for certificates
	ClientAuth   string        `yaml:"client_auth"`  // request (default) or require; only with ClientCA
	SelfSigned   bool          `yaml:"self_signed"`  // a certificate that nobody can verify, made with each configuration
}

// Certificate is a PEM certificate chain with its private key.
type Certificate struct {
	Certificate File `yaml:"certificate"`
	Key         File `yaml:"key"`
	// Keystore is where both come from, if not from PEM files.
	Keystore *Truststore `yaml:"keystore"`
}

// Limits bound what a caller may cost.
type Limits struct {
	HeaderSize    Size     `yaml:"header_size"`                 // request line and fields; default 16KiB
	BufferedBody  Size     `yaml:"buffered_body"`               // of a body that must be held, e.g. for a repeat; default 4MiB
	BodyMemory    Size     `yaml:"body_memory"`                 // of all bodies that policies look into, at once; default 64 times BufferedBody
	Connections   int      `yaml:"connections"`                 // client connections at once; default 10000
	PerIP         *PerIP   `yaml:"per_ip"`                      // of one address; default: no limit
	HeaderTimeout Duration `yaml:"header_timeout" allow:"none"` // from a head's first byte to its last, and for a TLS handshake; default 5s
	BodyTimeout   Duration `yaml:"body_timeout" allow:"none"`   // between two reads of a request body; default 10s
	BodyRate      Size     `yaml:"body_rate" allow:"none"`      // bytes per second a request body must keep after its first 10 s; default 100B; None is off
	AnswerRate    Size     `yaml:"answer_rate" allow:"none"`    // bytes per second a caller must take of an answer that waits for it; default 100B; None is off
	IdleTimeout   Duration `yaml:"idle_timeout" allow:"none"`   // between two requests, and between two writes to a caller that does not read; default 60s
}

// PerIP bounds what one caller's address may cost. Of IPv6 a /64 counts as one
// address, since whoever has one has all of it. Trusted proxies are not bound:
// they speak for many.
type PerIP struct {
	Connections int `yaml:"connections"` // at once
}
