// Package ipfilter lets requests pass by the address they come from, or by its
// host name.
package ipfilter

import (
	"context"
	"net/netip"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// Names finds the host names of an address, in small letters; the error is that
// nothing is known of it. It waits for a bounded time.
type Names interface {
	Lookup(ctx context.Context, addr netip.Addr) ([]string, error)
}

// filter is a policy, compiled.
type filter struct {
	allow, deny           ranges
	hostsAllow, hostsDeny hosts
	names                 Names
}

// New builds the policy; names is asked only where the policy names hosts.
func New(cfg *config.IPFilter, names Names) exchange.Policy {
	f := &filter{newRanges(cfg.Allow), newRanges(cfg.Deny), newHosts(cfg.Hosts.Allow), newHosts(cfg.Hosts.Deny), names}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if why := f.refuses(x.Address.Unmap().WithZone("")); why != "" {
				x.Reason = why
				return problem.AddressNotAllowed
			}
			return next(x)
		}
	}
}

// refuses says why an address may not call; "": it may.
func (f *filter) refuses(address netip.Addr) string {
	if f.deny.hold(address) {
		return "address is denied"
	}
	open := len(f.allow) == 0 && f.hostsAllow.empty()
	allowed := open || f.allow.hold(address)
	if f.hostsDeny.empty() && (allowed || f.hostsAllow.empty()) {
		return notAmong(allowed)
	}
	names, err := f.names.Lookup(context.Background(), address)
	switch {
	case f.hostsDeny.hold(names):
		return "host name is denied"
	case !allowed && err != nil:
		return "address is not allowed, nor is it by name: " + err.Error()
	}
	return notAmong(allowed || f.hostsAllow.hold(names))
}

func notAmong(allowed bool) string {
	if allowed {
		return ""
	}
	return "address is not allowed"
}
