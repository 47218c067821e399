package gateway

import (
	"slices"

	"postern/gateway/metrics"
)

// metricSources are what the metrics show besides what they count themselves.
func (g *Gateway) metricSources() metrics.Sources {
	return metrics.Sources{
		Version: g.version, InFlight: g.inFlight, Connections: g.connections, TokenCache: g.tokenCache,
		Reload: g.reloadCounts, KeySets: g.keySets, Certificates: g.certificates, Upstreams: g.upstreams, Hostnames: g.hostnames,
		Limits: g.limitCounts, Routed: g.routedCounts, Crowds: g.crowds, Caches: g.cacheCounts, Store: g.storeState, Events: g.eventCounts,
	}
}

func (g *Gateway) tokenCache() metrics.TokenCache {
	n := g.live.Load()
	if n == nil {
		return metrics.TokenCache{}
	}
	c := n.tokens.CacheStats()
	return metrics.TokenCache{Hits: c.Hits, Misses: c.Misses, Entries: c.Entries, Bytes: c.Bytes, Evictions: c.Evicted}
}

func (g *Gateway) reloadCounts() metrics.Reload {
	r := g.reload()
	counts := metrics.Reload{Success: r.Success, LastSuccess: r.LastSuccess, Generation: r.Generation, Applied: r.Applied, Refused: r.Refused}
	if n := g.live.Load(); n != nil {
		counts.Hash = n.hash
	}
	return counts
}

// keySets is how the keys of each auth server stand.
func (g *Gateway) keySets() []metrics.KeySet {
	n := g.live.Load()
	if n == nil {
		return nil
	}
	var sets []metrics.KeySet
	for _, s := range n.tokens.Status() {
		sets = append(sets, metrics.KeySet{
			AuthServer: s.Name, Usable: s.Usable, Keys: len(s.Keys), Skipped: len(s.Skipped), Fetched: s.Fetched,
			NextRefresh: s.NextRefresh, Fetches: s.Fetches, Failures: s.Failures, UnknownKids: s.UnknownKids,
		})
	}
	return sets
}

// hostnames is how many addresses the live generation's resolver knows.
func (g *Gateway) hostnames() int {
	if n := g.live.Load(); n != nil {
		return n.hostnames.Entries()
	}
	return 0
}

func (g *Gateway) certificates() []metrics.Certificate {
	if n := g.live.Load(); n != nil {
		return append(slices.Clip(n.certificates), keyCertificates(n.tokens.Status())...)
	}
	return nil
}

// upstreams is how the upstreams of every API stand, its own and then those of
// rules, with the connections of replaced generations.
func (g *Gateway) upstreams() map[string]metrics.Upstream {
	all, seen, live := map[string]metrics.Upstream{}, map[any]bool{}, g.live.Load()
	for _, n := range g.generations() {
		for _, key := range inOrder(n.upstreams) {
			u, c := n.upstreams[key], all[key.api]
			if u.Count(&c, seen); n == live {
				for _, t := range u.Targets() {
					t.Rule = key.rule
					c.Targets = append(c.Targets, t)
				}
			}
			all[key.api] = c
		}
	}
	return all
}

// generations are the live one and those that still serve.
func (g *Gateway) generations() (all []*generation) {
	if n := g.live.Load(); n != nil {
		all = append(all, n)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for n := range g.retiring {
		all = append(all, n)
	}
	return all
}
