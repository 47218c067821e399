package gateway

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"postern/gateway/admin"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/cache"
	"postern/gateway/policy/compression"
	"postern/provisioning/config"
)

// cached is the answers that one section keeps of one API. Generations share them as
// long as the section stays the same.
type cached struct {
	*cache.Store
	section *config.Cache
	api, at string // for metrics
}

// cache is after whatever judges or changes a request, so that nobody is given
// what was not meant for him; answers are kept as the upstream has sent them.
func (c *chains) cache(levels []config.Level) []exchange.Policy {
	l, cfg := nearest(levels, func(p *config.Policies) *config.Cache { return p.Cache })
	if cfg == nil || cfg.None {
		return nil
	}
	return c.add(nil, Step{"cache", l.At("cache")}, func() (exchange.Policy, error) {
		return c.cached(l, cfg).Policy(cfg, c.next.bodies)
	})
}

func (c *chains) cached(l config.Level, cfg *config.Cache) *cached {
	made := &cached{section: cfg, api: c.config.APIs[c.api].FullName(), at: c.place(l)}
	key := [2]string{made.api, made.at}
	if c.previous != nil {
		if old := c.previous.caches[key]; old != nil && reflect.DeepEqual(old.section, cfg) {
			made.Store = old.Store
		}
	}
	if made.Store == nil {
		made.Store = cache.New(cfg)
	}
	c.next.caches[key] = made
	return made
}

// caches are those of the live generation, in order.
func (g *Gateway) caches() (all []*cached) {
	n := g.live.Load()
	if n == nil {
		return nil
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.caches), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		all = append(all, n.caches[key])
	}
	return all
}

// cacheCounts is how the answers that are kept fare, for a scrape.
func (g *Gateway) cacheCounts() (all []metrics.Cache) {
	for _, k := range g.caches() {
		n := k.Counts()
		all = append(all, metrics.Cache{
			API: k.api, At: k.at, Hits: n.Hits, Misses: n.Misses, Evictions: n.Evictions, Entries: n.Entries, Bytes: n.Bytes,
		})
	}
	return all
}

// purge removes the answers that are kept of an API, by its name, which is that of
// all its versions, or by name/version.
func (g *Gateway) purge(api string) (any, error) {
	purged := struct {
		API     string `json:"api"`
		Entries int64  `json:"entries"`
		Bytes   int64  `json:"bytes"`
	}{API: api}
	n, found := g.live.Load(), false
	for _, k := range g.caches() {
		if !n.isNamed(k.api, api) {
			continue
		}
		found = true
		entries, bytes := k.Purge()
		purged.Entries += entries
		purged.Bytes += bytes
	}
	if !found {
		return nil, fmt.Errorf("purge %q: %w", api, admin.ErrNoCache)
	}
	return purged, nil
}

// isNamed reports whether an API, by name/version, is called name or so in full.
func (n *generation) isNamed(full, name string) bool {
	return full == name || slices.ContainsFunc(n.config.APIs, func(a config.API) bool { return a.FullName() == full && a.Name == name })
}

// compression is outside of all that looks into answers.
func (c *chains) compression(levels []config.Level) []exchange.Policy {
	l, cfg := nearest(levels, func(p *config.Policies) *config.Compression { return p.Compression })
	if cfg == nil || cfg.None {
		return nil
	}
	return c.add(nil, Step{"compression", l.At("compression")}, func() (exchange.Policy, error) {
		return compression.New(cfg, c.gateway.metrics), nil
	})
}
