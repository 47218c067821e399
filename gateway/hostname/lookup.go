package hostname

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// maxNames bounds the names of one address that are confirmed. Further ones are
// ignored, always the same ones.
const maxNames = 8

// confirm asks for the names of addr, and of each whether it leads back. One
// name about which nothing can be said leaves all of them open.
func confirm(ctx context.Context, dns asks, addr netip.Addr) (a answer, outcome string) {
	claimed, err := dns.LookupAddr(ctx, addr.String())
	if err != nil && len(claimed) == 0 { // with names it is about others, which are malformed
		if missing(err) {
			return answer{}, "none"
		}
		return answer{err: fmt.Errorf("%w: %w", ErrUnavailable, err)}, "failed"
	}
	for i, name := range claimed {
		claimed[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	slices.Sort(claimed)
	claimed = slices.Compact(claimed)
	for _, name := range claimed[:min(len(claimed), maxNames)] {
		leads, err := leadsTo(ctx, dns, name, addr)
		if err != nil {
			return answer{err: fmt.Errorf("%w: %w", ErrUnavailable, err)}, "failed"
		}
		if leads {
			a.names = append(a.names, name)
		}
	}
	switch {
	case len(a.names) > 0:
		return a, "confirmed"
	case len(claimed) > 0:
		return a, "unconfirmed"
	}
	return a, "none"
}

// leadsTo reports whether name has the address addr. The dot keeps it from being
// completed with a search domain.
func leadsTo(ctx context.Context, dns asks, name string, addr netip.Addr) (bool, error) {
	network := "ip6"
	if addr.Is4() {
		network = "ip4"
	}
	found, err := dns.LookupNetIP(ctx, network, name+".")
	if err != nil {
		if missing(err) {
			return false, nil
		}
		return false, err
	}
	return slices.ContainsFunc(found, func(a netip.Addr) bool { return a.Unmap().WithZone("") == addr }), nil
}

// missing reports whether the DNS says that there is nothing.
func missing(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// newDNS is Go's own resolver: it ends with its context, and blocks no thread.
func newDNS(server string) *net.Resolver {
	r := &net.Resolver{PreferGo: true}
	if server != config.SystemResolver {
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server)
		}
	}
	return r
}

// offline asks nobody.
type offline struct{}

var errOffline = errors.New("nobody is asked in a rehearsal")

// LookupAddr implements asks.
func (offline) LookupAddr(context.Context, string) ([]string, error) { return nil, errOffline }

// LookupNetIP implements asks.
func (offline) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, errOffline
}
