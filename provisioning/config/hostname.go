package config

import (
	"net/netip"
	"time"
)

// Hostnames says how the host name of an address is found: by reverse lookup,
// and believed when the name leads back to the address.
type Hostnames struct {
	Resolver string        `yaml:"resolver"` // SystemResolver (default), or ip:port of a DNS server
	Timeout  Duration      `yaml:"timeout"`  // of a lookup, so of whoever waits for it; default 1s
	Lookups  int           `yaml:"lookups"`  // under way at once; default 32
	Cache    HostnameCache `yaml:"cache"`
}

// HostnameCache says how long what was found is kept, and how much of it.
type HostnameCache struct {
	Positive Duration `yaml:"positive"` // an address with a name; default 5m
	Negative Duration `yaml:"negative"` // one without; default 30s
	Entries  int      `yaml:"entries"`  // default 10000
}

// SystemResolver is the word for the resolver of /etc/resolv.conf and /etc/hosts.
const SystemResolver = "system"

func (h *Hostnames) setDefaults() {
	setDefault(&h.Resolver, SystemResolver)
	setDefault(&h.Timeout, Duration(time.Second))
	setDefault(&h.Lookups, 32)
	setDefault(&h.Cache.Positive, Duration(5*time.Minute))
	setDefault(&h.Cache.Negative, Duration(30*time.Second))
	setDefault(&h.Cache.Entries, 10000)
}

func (v *checker) hostnames(h Hostnames) {
	if h.Resolver != SystemResolver {
		if server, err := netip.ParseAddrPort(h.Resolver); err != nil || server.Port() == 0 {
			v.add([]any{"hostnames", "resolver"}, "%q is neither system nor ip:port, such as 10.0.0.53:53", h.Resolver)
		}
	}
	if limit := h.Timeout.Limit(); limit > 30*time.Second {
		v.add([]any{"hostnames", "timeout"}, "must be at most 30s: callers wait for it")
	}
	if h.Lookups > 10_000 {
		v.add([]any{"hostnames", "lookups"}, "must be at most 10000")
	}
	if h.Cache.Entries > 10_000_000 {
		v.add([]any{"hostnames", "cache", "entries"}, "must be at most 10000000")
	}
}
