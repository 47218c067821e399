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
		Config: g.Config, Ready: g.Ready, Version: g.version, Running: g.running, Traffic: g.trafficCounts, Upstreams: g.upstreams,
		Metrics: g.metrics.Write, Refresh: g.refreshes.run, Purge: g.purge, Log: g.log,
	}
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
		if n.store != nil {
			r.Store = n.store.Status()
		}
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
	for _, n := range g.generations() {
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
