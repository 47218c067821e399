package gateway

import (
	"reflect"
	"sync/atomic"

	"postern/gateway/store"
	"postern/provisioning/config"
)

// sharing is the store that copies share, with its connections. Generations use
// the same one as long as its section stays the same; the last one that lets go
// closes it.
type sharing struct {
	*store.Store
	section *config.Redis
	users   atomic.Int32
}

// store prepares the store, or takes over the previous one. A rehearsal counts
// nothing.
func (b *builder) store() {
	if b.config.Store == nil || b.gateway.rehearsal != nil {
		return
	}
	section := b.config.Store.Redis
	if p := b.previous; p != nil && p.store != nil && reflect.DeepEqual(p.store.section, section) {
		b.next.store = p.store
		return
	}
	o := store.Options{Counts: b.gateway.metrics.Store(), Log: b.gateway.log.Named("store")}
	if p := b.previous; p != nil && p.store != nil {
		o.Previous = p.store.Store
	}
	s, err := store.New(*section, o)
	if err != nil {
		b.failed(err, "store", "redis")
		return
	}
	b.next.store = &sharing{Store: s, section: section}
}

// countsIn is the store in which a rule counts; nil: it counts by itself.
func (b *builder) countsIn(cfg *config.Throttle) *store.Store {
	if cfg.Store != "redis" || b.next.store == nil {
		return nil
	}
	return b.next.store.Store
}

// adopt adds a generation that uses the store, and starts it with the first.
func (s *sharing) adopt() {
	if s != nil && s.users.Add(1) == 1 {
		s.Start()
	}
}

// release closes the store when no generation uses it any more. Closing waits
// for an attempt to connect, so nobody waits for it.
func (s *sharing) release() {
	if s != nil && s.users.Add(-1) == 0 {
		go s.Close()
	}
}

// storeState is whether copies share a store, and can ask it.
func (g *Gateway) storeState() (up, stated bool) {
	n := g.live.Load()
	if n == nil || n.store == nil {
		return false, false
	}
	return n.store.Status().State == store.Up, true
}
