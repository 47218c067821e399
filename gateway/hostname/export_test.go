package hostname

import (
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// Asking is a resolver that asks dns.
func Asking(section config.Hostnames, dns asks) *Resolver {
	r := New(section, nil, metrics.New(metrics.Sources{}))
	r.asks = dns
	return r
}
