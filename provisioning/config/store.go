package config

import (
	"net"
	"time"
)

// Store is what copies of a gateway share.
type Store struct {
	Redis *Redis `yaml:"redis"`
}

// Redis is one Redis or Valkey.
type Redis struct {
	Address        string       `yaml:"address"` // host:port
	User           string       `yaml:"user"`    // default: the server's default user
	Password       Secret       `yaml:"password"`
	DB             int          `yaml:"db" allow:"zero"` // default 0
	TLS            *UpstreamTLS `yaml:"tls"`             // nil: without TLS
	AllowPlain     bool         `yaml:"allow_plain"`     // without TLS beyond loopback
	Prefix         string       `yaml:"prefix"`          // begins all keys; default postern
	Timeout        Duration     `yaml:"timeout"`         // of one question that a request waits for; default 20ms
	ConnectTimeout Duration     `yaml:"connect_timeout"` // TLS and login included; default 2s
	Connections    int          `yaml:"connections"`     // each has one question at a time; default 8
	Remember       int          `yaml:"remember"`        // counters that this copy can tell a store that has lost them; default 100000
}

func (r *Redis) setDefaults() {
	setDefault(&r.Prefix, "postern")
	setDefault(&r.Timeout, Duration(20*time.Millisecond))
	setDefault(&r.ConnectTimeout, Duration(2*time.Second))
	setDefault(&r.Connections, 8)
	setDefault(&r.Remember, 100_000)
	if r.TLS != nil {
		setDefault(&r.TLS.MinVersion, "1.2")
	}
}

// Host is the host of Address.
func (r *Redis) Host() string {
	host, _, err := net.SplitHostPort(r.Address)
	if err != nil {
		return ""
	}
	return host
}
