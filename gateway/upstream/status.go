package upstream

import (
	"time"

	"postern/gateway/metrics"
)

// Count adds the connections of those targets that seen does not hold, which
// makes it hold them: successive upstreams share targets.
func (u *Upstream) Count(c *metrics.Upstream, seen map[any]bool) {
	for _, m := range u.members {
		if !seen[m.target] {
			seen[m.target] = true
			c.Open += m.pool.open.Load()
			c.Idle += m.pool.idle()
		}
	}
}

// Targets is how each target stands, in the order of the configuration.
func (u *Upstream) Targets() []metrics.Target {
	all, now := make([]metrics.Target, len(u.members)), time.Now()
	for i, m := range u.members {
		t := &all[i]
		*t = metrics.Target{
			URL: m.name + m.prefix, Weight: m.weight, State: metrics.Healthy, Addresses: m.names.list(),
			Open: m.pool.open.Load(), Idle: m.pool.idle(), Pending: m.pending.Load(),
			Attempts: m.attempts.Get(), Failures: m.failures.Get(), Watched: u.health != nil,
		}
		m.health.show(t, now)
		if m.breaker != nil {
			t.Circuit, t.Tried = m.breaker.circuit.State().String(), m.breaker.opens(now)
		}
	}
	return all
}

// show tells what is known of a target's health.
func (s *state) show(t *metrics.Target, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Ejections = s.counts
	switch until := time.Unix(0, s.until.Load()); {
	case s.unwell.Load():
		t.State, t.Why = metrics.Unhealthy, s.why
	case until.After(now):
		t.State, t.Why, t.Until = metrics.Ejected, s.why, until.UTC()
	}
}

// list is the addresses of a name, as far as they are known.
func (n *names) list() (all []string) {
	known := n.known.Load()
	if known == nil || n.every == 0 {
		return nil
	}
	for _, a := range *known {
		all = append(all, a.text)
	}
	return all
}
