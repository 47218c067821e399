package gateway

import (
	"slices"

	"postern/gateway/admin"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

// Config is the live configuration; nil when there is none yet.
func (g *Gateway) Config() *config.Config {
	if n := g.live.Load(); n != nil {
		return n.config
	}
	return nil
}

// Ready says why requests should not come here; nothing when they should.
func (g *Gateway) Ready() []string {
	n := g.live.Load()
	if n == nil {
		return []string{"no configuration yet"}
	}
	var reasons []string
	if g.draining.Load() {
		reasons = append(reasons, "shutting down")
	}
	if err := n.tokens.Ready(); err != nil {
		reasons = append(reasons, err.Error())
	}
	return reasons
}

// adminSources are what the operator's window shows of this gateway.
func (g *Gateway) adminSources() admin.Sources {
	return admin.Sources{
		Config: g.Config, Ready: g.Ready, Version: g.version, Running: g.running, Traffic: g.trafficCounts,
		Metrics: g.metrics.Write, Refresh: g.refreshes.run, Log: g.log,
	}
}

func (g *Gateway) metricSources() metrics.Sources {
	return metrics.Sources{InFlight: g.inFlight, Connections: g.connections, TokenCache: g.tokenCache, Reload: g.reloadCounts}
}

// running is what only this process knows of itself.
func (g *Gateway) running() admin.Running {
	r := admin.Running{
		Started:     g.started,
		InFlight:    g.inFlight(),
		Connections: g.connections(),
		Reload:      g.reload(),
	}
	if n := g.live.Load(); n != nil {
		r.AuthServers = n.tokens.Status()
		r.Reload.Hash = n.hash
	}
	return r
}

// trafficCounts is what was counted for the APIs there are, in the order of the
// configuration, and then for what no API took.
func (g *Gateway) trafficCounts() metrics.Traffic {
	t, n := g.metrics.Traffic(), g.live.Load()
	if n == nil {
		return t
	}
	for _, a := range append(slices.Clip(n.apis), n.nowhere) {
		t.APIs = append(t.APIs, a.counts.Traffic(a.name))
	}
	return t
}

// inFlight counts the exchanges of all generations.
func (g *Gateway) inFlight() (sum int64) {
	if n := g.live.Load(); n != nil {
		sum = n.inFlight()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for n := range g.retiring {
		sum += n.inFlight()
	}
	return sum
}

func (g *Gateway) connections() int64 {
	if s := g.server.Load(); s != nil {
		return s.open.Load()
	}
	return 0
}

func (g *Gateway) tokenCache() metrics.TokenCache {
	n := g.live.Load()
	if n == nil {
		return metrics.TokenCache{}
	}
	c := n.tokens.CacheStats()
	return metrics.TokenCache{Hits: c.Hits, Misses: c.Misses, Entries: c.Entries, Bytes: c.Bytes}
}

func (g *Gateway) reloadCounts() metrics.Reload {
	r := g.reload()
	counts := metrics.Reload{Success: r.Success, LastSuccess: r.LastSuccess, Applied: r.Applied, Refused: r.Refused}
	if n := g.live.Load(); n != nil {
		counts.Hash = n.hash
	}
	return counts
}
