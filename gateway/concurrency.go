package gateway

import (
	"maps"
	"reflect"
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/concurrency"
	"postern/provisioning/config"
)

// crowd is the places of one section at one API. Generations share them as long
// as the section stays the same.
type crowd struct {
	*concurrency.Limiter
	section *config.Concurrency
	api, at string // for metrics
}

// concurrency is after whatever may refuse a request: who is refused takes no
// place.
func (c *chains) concurrency(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.Concurrency; cfg != nil {
			chain = c.add(chain, Step{"concurrency", l.At("concurrency")}, func() (exchange.Policy, error) {
				return c.crowd(l, cfg).Policy, nil
			})
		}
	}
	return chain
}

func (c *chains) crowd(l config.Level, cfg *config.Concurrency) *crowd {
	api := &c.config.APIs[c.api]
	made := &crowd{section: cfg, api: api.FullName(), at: c.place(l)}
	key := [2]string{made.api, made.at}
	if c.previous != nil {
		if old := c.previous.crowds[key]; old != nil && reflect.DeepEqual(old.section, cfg) {
			made.Limiter = old.Limiter
		}
	}
	if made.Limiter == nil {
		made.Limiter = concurrency.New(cfg)
	}
	c.next.crowds[key] = made
	return made
}

// place is what metrics call a level of the API: api, or the scope or global policy
// with its name.
func (c *chains) place(l config.Level) string {
	switch {
	case l.Path[0] == "policies":
		return "policy " + c.config.Policies[l.Path[1].(int)].Name
	case l.Path[2] == "scopes":
		return "scope " + c.config.APIs[c.api].Scopes[l.Path[3].(int)].Name
	}
	return "api"
}

// crowds is how many requests are under way, for a scrape.
func (g *Gateway) crowds() (all []metrics.Crowd) {
	n := g.live.Load()
	if n == nil {
		return nil
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.crowds), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		c := n.crowds[key]
		all = append(all, metrics.Crowd{API: c.api, At: c.at, Limit: c.Limit(), Pending: c.Pending(), Waiting: c.Waiting()})
	}
	return all
}
