package gateway

import (
	"reflect"
	"sync/atomic"

	"go.uber.org/zap"

	"postern/gateway/hostname"
	"postern/gateway/message"
	"postern/gateway/upstream"
	"postern/provisioning/config"
)

// carried is an upstream with its connections. Generations share it as long as
// its section stays the same; the last one that lets go closes it. Of a section
// that has changed, upstream.New carries on the targets that have not. Key sets
// and verified tokens are carried on by introspect.New in the same way.
type carried struct {
	*upstream.Upstream
	section config.Upstream
	limits  config.Limits
	users   atomic.Int32
}

// ofRule names an upstream: that of an API, or that of one of the rules by which
// its requests are routed.
type ofRule struct{ api, rule string }

// upstream returns that of the previous generation when nothing of it has
// changed, and else a new one.
func (b *builder) upstream(key ofRule, cfg *config.Upstream) (*upstream.Upstream, error) {
	if known := b.next.upstreams[key]; known != nil {
		return known.Upstream, nil // of a rule that several chains meet
	}
	limits := b.config.Limits
	limits.PerIP = nil // no upstream knows of it, and each configuration has another pointer
	o := upstream.Options{
		Limits: limits, Counts: b.gateway.metrics.API(key.api),
		Log: b.gateway.log.Named("upstream").WithLazy(zap.String("api", key.api)),
	}
	if key.rule != "" {
		o.Log = o.Log.WithLazy(zap.String("rule", key.rule))
	}
	if b.previous != nil {
		old := b.previous.upstreams[key]
		if old != nil && old.limits == limits && reflect.DeepEqual(old.section, *cfg) {
			b.next.upstreams[key] = old
			return old.Upstream, nil
		}
		if old != nil && old.limits == limits {
			o.Previous = old.Upstream
		}
	}
	u, err := upstream.New(*cfg, o)
	if err != nil {
		return nil, err
	}
	b.next.upstreams[key] = &carried{Upstream: u, section: *cfg, limits: limits}
	return u, nil
}

// hostnames keeps what is known of host names while their section is unchanged.
func (b *builder) hostnames() {
	var previous *hostname.Resolver
	if b.previous != nil {
		previous = b.previous.hostnames
	}
	b.next.hostnames = hostname.New(b.config.Hostnames, previous, b.gateway.metrics)
	if r := b.gateway.rehearsal; r != nil && !r.Fetch {
		b.next.hostnames = hostname.Offline(b.gateway.metrics)
	}
}

// bodies counts those that are held over reloads, too.
func (b *builder) bodies() {
	l := b.config.Limits
	b.next.bodies = message.New(l.BufferedBody.Limit(), l.BodyMemory.Limit())
	if p := b.previous; p != nil && p.config.Limits.BufferedBody == l.BufferedBody && p.config.Limits.BodyMemory == l.BodyMemory {
		b.next.bodies = p.bodies
	}
}

// adopt makes the generation a user of what runs beside requests.
func (n *generation) adopt() {
	for _, u := range n.upstreams {
		if u.users.Add(1) == 1 {
			u.Start()
		}
	}
	n.store.adopt()
	for _, o := range n.outlets {
		o.adopt(n.gateway)
	}
	for _, w := range n.watches {
		w.adopt()
	}
	if n.tracer != nil {
		n.tracer.adopt(n.gateway)
		n.tokens.Observe(n.tracer.keyFetch)
	}
}

// release closes the upstream when nobody uses it any more.
func (c *carried) release() {
	if c.users.Add(-1) == 0 {
		_ = c.Close() // idle connections; nothing is lost with them
	}
}
