package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern/gateway/crash"
)

// avoid is how long an address that could not be connected to is tried last.
const avoid = 30 * time.Second

// maxAddresses bounds what a name may stand for.
const maxAddresses = 32

// names are the addresses of a target. Where it is stated by name, the name is
// looked up when it is first needed and again and again: connections are opened
// to the addresses it has now, and those to addresses that it has lost are let
// go as their exchanges end.
type names struct {
	host, port string
	every      time.Duration // 0: host is an address
	lost       func(*address)
	lookup     func(ctx context.Context, host string) ([]netip.Addr, error)

	dialer net.Dialer // here, and not on the stack of every caller's goroutine
	known  atomic.Pointer[[]*address]
	turn   atomic.Uint32
	mu     sync.Mutex // held while known changes
	once   sync.Once
	cancel context.CancelFunc // nil: nothing runs
}

// address is one of a target's.
type address struct {
	text   string
	failed atomic.Int64 // when it could last not be connected to, in nanoseconds
	gone   atomic.Bool  // it is no longer one of the target's
}

// newNames prepares the addresses of a URL. lost is told of each that is gone.
func newNames(target *url.URL, every time.Duration, lost func(*address)) *names {
	n := &names{host: target.Hostname(), port: target.Port(), every: every, lost: lost}
	n.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	if n.port == "" {
		n.port = "80"
		if target.Scheme == "https" {
			n.port = "443"
		}
	}
	if _, err := netip.ParseAddr(n.host); err == nil {
		n.every = 0
		n.known.Store(&[]*address{{text: net.JoinHostPort(n.host, n.port)}})
	}
	return n
}

// start begins to look the name up again and again, once.
func (n *names) start() {
	if n.every == 0 {
		return
	}
	n.once.Do(func() {
		var ctx context.Context
		ctx, n.cancel = context.WithCancel(context.Background())
		go n.run(ctx)
	})
}

func (n *names) stop() {
	if n.cancel != nil {
		n.cancel()
	}
}

func (n *names) run(ctx context.Context) {
	for {
		pause := time.NewTimer(n.every - n.every/10 + rand.N(n.every/5+1))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		if n.known.Load() != nil { // else nobody has needed it yet
			_, _ = n.resolve(ctx) // what is known serves on
		}
	}
}

// resolve looks the name up. When that fails, what was known stays.
func (n *names) resolve(ctx context.Context) (all []*address, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while looking up %s: %s", n.host, crash.Text(p))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := n.lookup(ctx, n.host)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no address", n.host)
	}
	return n.replace(found[:min(len(found), maxAddresses)]), nil
}

// replace makes found the addresses, keeping those that stay.
func (n *names) replace(found []netip.Addr) []*address {
	n.mu.Lock()
	defer n.mu.Unlock()
	var old []*address
	if known := n.known.Load(); known != nil {
		old = *known
	}
	next := make([]*address, 0, len(found))
	for _, ip := range found {
		text := net.JoinHostPort(ip.Unmap().String(), n.port)
		same := func(a *address) bool { return a.text == text }
		if slices.ContainsFunc(next, same) {
			continue
		}
		if i := slices.IndexFunc(old, same); i >= 0 {
			next = append(next, old[i])
		} else {
			next = append(next, &address{text: text})
		}
	}
	n.known.Store(&next)
	for _, a := range old {
		if !slices.Contains(next, a) {
			a.gone.Store(true)
			n.lost(a)
		}
	}
	return next
}

// dial opens a connection to one of the addresses, trying one after the other.
// Those that failed just now come last.
func (n *names) dial(ctx context.Context) (net.Conn, *address, error) {
	var all []*address
	if known := n.known.Load(); known != nil {
		all = *known
	} else {
		var err error
		if all, err = n.resolve(ctx); err != nil {
			return nil, nil, err
		}
	}
	if len(all) == 1 {
		c, err := n.dialer.DialContext(ctx, "tcp", all[0].text)
		return c, all[0], err
	}
	return n.dialAll(ctx, all)
}

// dialAll is dial for several addresses.
func (n *names) dialAll(ctx context.Context, all []*address) (net.Conn, *address, error) {
	var failed error
	order := n.order(all, time.Now())
	for i, a := range order {
		c, err := n.dialOne(ctx, a, len(order)-i)
		if err == nil {
			a.failed.Store(0)
			return c, a, nil
		}
		a.failed.Store(time.Now().UnixNano())
		if failed = errors.Join(failed, err); ctx.Err() != nil {
			break
		}
	}
	return nil, nil, failed
}

// order is all, beginning with another one each time, and those that failed
// just now at the end.
func (n *names) order(all []*address, now time.Time) []*address {
	start := int((n.turn.Add(1) - 1) % uint32(len(all)))
	order := slices.Concat(all[start:], all[:start])
	recent := now.Add(-avoid).UnixNano()
	slices.SortStableFunc(order, func(a, b *address) int {
		return recency(a.failed.Load(), recent) - recency(b.failed.Load(), recent)
	})
	return order
}

func recency(failed, recent int64) int {
	if failed > recent {
		return 1
	}
	return 0
}

// dialOne opens a connection within the part of the time that is left for it
// when there are as many addresses to try.
func (n *names) dialOne(ctx context.Context, a *address, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return n.dialer.DialContext(ctx, "tcp", a.text)
}
