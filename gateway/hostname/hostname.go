// Package hostname finds the host names of an address, for policies that know
// callers by name. Whoever owns an address may give it any name, so a name
// counts only when it leads back to the address (forward-confirmed reverse
// lookup). That keeps strangers from borrowing a name; it is no authentication.
//
// hostname.go answers and bounds who waits; lookup.go asks the DNS; cache.go
// keeps what was found.
package hostname

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"postern/gateway/crash"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// ErrUnavailable: nothing can be said of an address, since the DNS does not
// answer, not in time, or with an error. Whoever allows by name then refuses.
var ErrUnavailable = errors.New("host names cannot be looked up")

// Resolver finds host names. It is safe for concurrent use and has nothing that
// must be closed: its lookups end by themselves within the timeout.
type Resolver struct {
	section config.Hostnames
	asks    asks
	cache   *cache
	places  chan struct{} // of lookups under way
	metrics *metrics.Instruments

	mu      sync.Mutex
	flights map[netip.Addr]*flight
}

// asks are the two questions that a lookup has for the DNS.
type asks interface {
	LookupAddr(ctx context.Context, addr string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// flight is one lookup, for all who wait for it.
type flight struct {
	done chan struct{}
	answer
}

// answer is what is known of an address.
type answer struct {
	names []string
	err   error
}

// New makes the resolver of a section, or returns previous, which may be nil,
// with what it has found when its section is the same. It asks nothing yet.
func New(section config.Hostnames, previous *Resolver, m *metrics.Instruments) *Resolver {
	if previous != nil && previous.section == section {
		return previous
	}
	for _, outcome := range []string{"cached", "confirmed", "unconfirmed", "none", "failed", "busy"} {
		m.HostLookup(outcome) // on the page from the start, at zero
	}
	return &Resolver{
		section: section, asks: newDNS(section.Resolver), metrics: m,
		cache:  newCache(section.Cache.Entries),
		places: make(chan struct{}, section.Lookups), flights: map[netip.Addr]*flight{},
	}
}

// Offline makes a resolver that asks nobody: every lookup is ErrUnavailable.
func Offline(m *metrics.Instruments) *Resolver {
	r := New(config.Default().Hostnames, nil, m)
	r.asks = offline{}
	return r
}

// Lookup returns the names that addr has and that lead back to it, in small
// letters and without a dot at the end; none, and no error, when there are none.
// It waits no longer than the configured timeout. The names are shared. The
// error is ErrUnavailable.
func (r *Resolver) Lookup(ctx context.Context, addr netip.Addr) ([]string, error) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return nil, fmt.Errorf("%w: no address", ErrUnavailable)
	}
	if known, ok := r.cache.find(addr, time.Now()); ok {
		r.count("cached")
		return known.names, known.err
	}
	f := r.join(addr)
	ctx, cancel := context.WithTimeout(ctx, r.section.Timeout.Limit())
	defer cancel()
	select {
	case <-f.done:
		return f.names, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// Entries is how many addresses are known.
func (r *Resolver) Entries() int { return r.cache.count(time.Now()) }

func (r *Resolver) count(outcome string) { r.metrics.HostLookup(outcome).Inc() }

// join returns the lookup of addr, which it begins unless one is under way.
func (r *Resolver) join(addr netip.Addr) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[addr]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	r.flights[addr] = f
	go r.fly(addr, f)
	return f
}

// fly looks addr up, keeps the outcome and lets those who wait go on. There are
// no more of these than requests that wait for them.
func (r *Resolver) fly(addr netip.Addr, f *flight) {
	outcome := "failed"
	f.err = ErrUnavailable
	defer func() {
		if p := recover(); p != nil {
			f.answer = answer{err: fmt.Errorf("%w: panic: %s", ErrUnavailable, crash.Text(p))}
		}
		r.count(outcome)
		r.cache.add(addr, f.answer, time.Now().Add(r.keep(f.answer)))
		r.mu.Lock()
		delete(r.flights, addr)
		r.mu.Unlock()
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), r.section.Timeout.Limit())
	defer cancel()
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
		f.answer, outcome = confirm(ctx, r.asks, addr)
	case <-ctx.Done():
		f.err = fmt.Errorf("%w: too many lookups at once", ErrUnavailable)
		outcome = "busy"
	}
}

// rest is how long a DNS that fails is not asked again for the same address.
const rest = time.Second

// keep is how long an answer is kept.
func (r *Resolver) keep(a answer) time.Duration {
	switch c := r.section.Cache; {
	case a.err != nil:
		return min(rest, c.Negative.Limit())
	case len(a.names) == 0:
		return c.Negative.Limit()
	default:
		return c.Positive.Limit()
	}
}
