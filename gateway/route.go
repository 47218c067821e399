package gateway

import (
	"cmp"
	"maps"
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/route"
	"postern/provisioning/config"
)

// route says where a request goes; the last handler of the chain sends it there.
func (c *chains) route(levels []config.Level) []exchange.Policy {
	l, cfg := nearestRoute(levels)
	if cfg == nil {
		return nil
	}
	return c.add(nil, Step{"route", l.At("route")}, func() (exchange.Policy, error) {
		return route.New(cfg, route.Site{Bodies: c.next.bodies, Forward: c.way, Counter: c.routed})
	})
}

func nearestRoute(levels []config.Level) (config.Level, *config.Route) {
	return nearest(levels, func(p *config.Policies) *config.Route { return p.Route })
}

// forward is the end of a chain: the API's upstream, unless a rule may choose
// another one.
func (c *chains) forward(levels []config.Level) exchange.Handler {
	if _, cfg := nearestRoute(levels); cfg == nil {
		return c.last
	}
	return func(x *exchange.Exchange) error {
		if x.Forward != nil {
			return x.Forward(x)
		}
		return c.last(x)
	}
}

// way forwards to the upstream of a rule.
func (c *chains) way(rule string, cfg *config.Upstream) (exchange.Handler, error) {
	u, err := c.upstream(ofRule{c.config.APIs[c.api].FullName(), rule}, cfg)
	if err != nil {
		return nil, err
	}
	return c.gateway.forward(u), nil
}

// routed counts the requests of a rule, since there is one of its name.
func (c *chains) routed(rule string) *metrics.Counter {
	key := ofRule{c.config.APIs[c.api].FullName(), rule}
	if c.next.routed[key] == nil {
		c.next.routed[key] = new(metrics.Counter)
		if c.previous != nil && c.previous.routed[key] != nil {
			c.next.routed[key] = c.previous.routed[key]
		}
	}
	return c.next.routed[key]
}

// routedCounts is what the live rules have taken, for a scrape.
func (g *Gateway) routedCounts() (all []metrics.Routed) {
	n := g.live.Load()
	if n == nil {
		return nil
	}
	for _, key := range inOrder(n.routed) {
		all = append(all, metrics.Routed{API: key.api, Rule: key.rule, Requests: n.routed[key].Get()})
	}
	return all
}

// inOrder is the keys of what belongs to APIs and their rules: an API's own first.
func inOrder[T any](of map[ofRule]T) []ofRule {
	return slices.SortedFunc(maps.Keys(of), func(a, b ofRule) int {
		return cmp.Or(cmp.Compare(a.api, b.api), cmp.Compare(a.rule, b.rule))
	})
}
