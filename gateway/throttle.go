package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"

	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/throttle"
	"postern/gateway/quota"
	"postern/provisioning/config"
)

// limited is the counters of one rule of throttle. Generations share them as
// long as the rule counts the same.
type limited struct {
	section  *config.Throttle
	api      string // name/version; "": a rule of several APIs
	counters *quota.Local
}

// limits are the policies of the rules that count before identification, or of
// all others.
func (c *chains) limits(levels []config.Level, early bool) (chain []exchange.Policy) {
	for _, l := range levels {
		for i := range l.Policies.Throttle {
			cfg := &l.Policies.Throttle[i]
			if cfg.BeforeIdentify() != early {
				continue
			}
			chain = c.add(chain, Step{"throttle", l.At("throttle", i)}, func() (exchange.Policy, error) {
				return c.limit(l, cfg), nil
			})
		}
	}
	return chain
}

func (c *chains) limit(l config.Level, cfg *config.Throttle) exchange.Policy {
	api := &c.config.APIs[c.api]
	id, of := c.owner(l), api.FullName()
	if l.Path[0] == "policies" {
		of = ""
	}
	id += " " + cfg.Name
	return throttle.New(cfg, throttle.Options{
		API: api, Applications: c.config.Applications, ID: id,
		Counters: c.counters(id, of, cfg), Store: c.countsIn(cfg), Counts: c.throttled(api.FullName(), cfg.Name), Alert: c.alert(cfg),
	})
}

// owner names a level, whatever its place in the configuration.
func (c *chains) owner(l config.Level) string {
	if l.Path[0] == "policies" {
		return fmt.Sprintf("policy %q", c.config.Policies[l.Path[1].(int)].Name)
	}
	owner := fmt.Sprintf("api %q", c.config.APIs[c.api].FullName())
	if l.Path[2] == "scopes" {
		owner += fmt.Sprintf(" scope %q", c.config.APIs[c.api].Scopes[l.Path[3].(int)].Name)
	}
	return owner
}

// counters are those of a rule, carried over from the previous generation.
func (b *builder) counters(id, api string, cfg *config.Throttle) *quota.Local {
	if known := b.next.limits[id]; known != nil {
		return known.counters // of a rule of several APIs
	}
	made := &limited{section: cfg, api: api}
	if b.previous != nil {
		if old := b.previous.limits[id]; old != nil && throttle.Same(old.section, cfg) {
			made.counters = old.counters
		}
	}
	if made.counters == nil {
		made.counters = quota.NewLocal(cfg.Keys)
	}
	b.next.limits[id] = made
	return made.counters
}

// throttled is what became of an API's requests by a rule, since there is one of
// its name.
func (b *builder) throttled(api, rule string) *throttle.Counts {
	key := [2]string{api, rule}
	if b.next.throttled[key] == nil {
		b.next.throttled[key] = new(throttle.Counts)
		if b.previous != nil && b.previous.throttled[key] != nil {
			b.next.throttled[key] = b.previous.throttled[key]
		}
	}
	return b.next.throttled[key]
}

// alert tells the operator of refused requests: in the log, and elsewhere.
func (c *chains) alert(cfg *config.Throttle) func(*exchange.Exchange, quota.Decision) {
	if cfg.Alert == nil {
		return nil
	}
	g, level, to := c.gateway, levelOf(cfg.Alert.Level), c.alertsTo(cfg.Alert.Destinations)
	message := cmp.Or(cfg.Alert.Message, "limit is reached")
	logs := slices.Contains(cfg.Alert.Destinations, config.LogName)
	return func(x *exchange.Exchange, d quota.Decision) {
		if len(to) > 0 {
			add(to, event.Monitor, g.throttleAlert(x, cfg.Name, message, d), x.Shard)
		}
		if !logs {
			return
		}
		if c := g.alerts.check(level, message, x.API); c != nil {
			c.Write(zap.ByteString("id", x.ID), zap.String("api", x.API), zap.String("rule", cfg.Name),
				zap.String("application", x.Caller.Application.Name), zap.Duration("reset", d.Reset))
		}
	}
}

// limitCounts is how the live limits fare, for a scrape.
func (g *Gateway) limitCounts() metrics.Limits {
	var counts metrics.Limits
	n := g.live.Load()
	if n == nil {
		return counts
	}
	for _, id := range slices.Sorted(maps.Keys(n.limits)) {
		l := n.limits[id]
		counts.Counters = append(counts.Counters, metrics.LimitCounters{
			API: l.api, Rule: l.section.Name, Keys: l.counters.Keys(), Evicted: l.counters.Evicted(),
		})
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.throttled), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		c := n.throttled[key]
		counts.Requests = append(counts.Requests, metrics.LimitedRequests{
			API: key[0], Rule: key[1], Refused: c.Refused.Get(), Alerts: c.Alerts.Get(), Alone: c.Alone.Get(),
		})
	}
	return counts
}
