package gateway

import (
	"fmt"
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/policy/authorize"
	"postern/gateway/policy/cors"
	"postern/gateway/policy/identify"
	"postern/gateway/policy/invocationlog"
	"postern/gateway/policy/ipfilter"
	"postern/gateway/policy/mask"
	"postern/gateway/policy/outbound"
	"postern/gateway/policy/protocols"
	"postern/gateway/policy/transform"
	"postern/gateway/policy/validate"
	"postern/provisioning/config"
)

// chain is what happens to requests that meet these levels, in this order, before
// they are forwarded. It is the only list of policies; what no level states is
// not in the chain.
func (c *chains) chain(levels []config.Level) (chain []exchange.Policy) {
	for _, stage := range []func([]config.Level) []exchange.Policy{
		c.wording,
		c.logged,
		c.compression,
		c.protocols,
		c.cors,
		c.ipfilter,
		c.throttleEarly,
		c.identify,
		c.owned,
		c.authorize,
		c.throttle,
		c.monitor,
		c.concurrency,
		c.invocationlog,
		c.maskAnswers,
		c.validate,
		c.maskRequests,
		c.transform,
		c.route,
		c.cache,
		c.outbound,
		c.logsServer,
	} {
		chain = append(chain, stage(levels)...)
	}
	return chain
}

// wording is faults: it words what happens inside of it, so it is outermost.
func (c *chains) wording(levels []config.Level) []exchange.Policy {
	f, path := c.worded(levels)
	if f == nil {
		return nil
	}
	return c.add(nil, Step{"faults", path}, func() (exchange.Policy, error) { return f.Policy, nil })
}

func (c *chains) protocols(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if p := l.Policies.Protocols; len(p) > 0 {
			chain = c.add(chain, Step{"protocols", l.At("protocols")}, func() (exchange.Policy, error) {
				return protocols.New(p), nil
			})
		}
	}
	return chain
}

func (c *chains) cors(levels []config.Level) []exchange.Policy {
	l, cfg := nearestCORS(levels)
	if cfg == nil {
		return nil
	}
	return c.add(nil, Step{"cors", l.At("cors")}, func() (exchange.Policy, error) {
		return cors.New(cfg, cors.OwnersFor(&c.config.APIs[c.api], c.config.Applications))
	})
}

func (c *chains) ipfilter(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.IPFilter; cfg != nil {
			chain = c.add(chain, Step{"ipfilter", l.At("ipfilter")}, func() (exchange.Policy, error) {
				return ipfilter.New(cfg, c.next.hostnames), nil
			})
		}
	}
	return chain
}

// pages is cors for what happens before a chain; nil: nothing is said of them. A
// section that is at fault has been reported with the chain.
func (c *chains) pages() func(*exchange.Exchange) {
	_, cfg := nearestCORS(c.config.Levels(c.api, "", nil))
	if cfg == nil {
		return nil
	}
	readable, _ := cors.Readable(cfg, cors.OwnersFor(&c.config.APIs[c.api], c.config.Applications))
	return readable
}

// owned is the part of cors that must know who calls.
func (c *chains) owned(levels []config.Level) []exchange.Policy {
	l, cfg := nearestCORS(levels)
	if cfg == nil {
		return nil
	}
	return c.add(nil, Step{"cors", l.At("cors", "origins")}, func() (exchange.Policy, error) {
		return cors.NewOwned(cfg, cors.OwnersFor(&c.config.APIs[c.api], c.config.Applications))
	})
}

// nearestCORS is what the innermost level says of pages; nil: nothing, or "none".
func nearestCORS(levels []config.Level) (config.Level, *config.CORS) {
	l, cfg := nearest(levels, func(p *config.Policies) *config.CORS { return p.CORS })
	if cfg != nil && cfg.None {
		return l, nil
	}
	return l, cfg
}

// nearest is what the innermost level that says something of it says; nil: none
// does.
func nearest[T any](levels []config.Level, of func(*config.Policies) *T) (config.Level, *T) {
	for _, l := range slices.Backward(levels) {
		if cfg := of(l.Policies); cfg != nil {
			return l, cfg
		}
	}
	return config.Level{}, nil
}

// maskRequests is of every level, after requests are compared with the definition
// and before whatever moves parts of bodies elsewhere.
func (c *chains) maskRequests(levels []config.Level) []exchange.Policy {
	return c.mask(levels, "mask", mask.Requests)
}

// maskAnswers is of every level, and after answers are compared.
func (c *chains) maskAnswers(levels []config.Level) []exchange.Policy {
	return c.mask(levels, "mask answers", mask.Answers)
}

func (c *chains) mask(levels []config.Level, step string, of mask.Side) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.Mask; cfg != nil {
			chain = c.add(chain, Step{step, l.At("mask")}, func() (exchange.Policy, error) {
				return of(cfg, c.next.bodies, c.gateway.metrics)
			})
		}
	}
	return chain
}

// transform is of every level: requests meet the outermost first, answers last.
func (c *chains) transform(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.Transform; cfg != nil {
			chain = c.add(chain, Step{"transform", l.At("transform")}, func() (exchange.Policy, error) {
				return transform.New(cfg, transform.Site{
					Bodies: c.next.bodies, Secrets: credentials(c.config), HeaderSize: int(c.config.Limits.HeaderSize),
					EncodedSlash: c.config.APIs[c.api].Paths.EncodedSlash == "keep",
				})
			})
		}
	}
	return chain
}

// outbound is after whatever looks at what the caller has presented.
func (c *chains) outbound(levels []config.Level) []exchange.Policy {
	l, cfg := nearestOutbound(levels)
	if cfg == nil {
		return nil
	}
	return c.add(nil, Step{"outbound", l.At("outbound")}, func() (exchange.Policy, error) { return outbound.New(cfg), nil })
}

func nearestOutbound(levels []config.Level) (config.Level, *config.Outbound) {
	return nearest(levels, func(p *config.Policies) *config.Outbound { return p.Outbound })
}

func (c *chains) identify(levels []config.Level) (chain []exchange.Policy) {
	var asked []*config.Identify
	for _, l := range levels {
		cfg := l.Policies.Identify
		if cfg == nil || cfg.None {
			continue
		}
		asked = append(asked, cfg)
		chain = c.add(chain, Step{"identify", l.At("identify")}, func() (exchange.Policy, error) {
			believed, err := c.believe(cfg)
			if err != nil {
				return nil, config.Below(err, "auth_servers")
			}
			api := &c.config.APIs[c.api]
			if c.known.All == nil {
				c.known = identify.Known{Registered: c.callers.Registered(api), All: c.callers.All()}
			}
			rules := identify.Rules{
				API: api, Identify: cfg, Believed: believed, Known: c.known,
				Hostnames: c.next.hostnames, Bodies: c.next.bodies,
			}
			if cfg.Uses("basic") {
				if rules.Passwords, err = c.passwords(); err != nil {
					return nil, err
				}
			}
			return identify.New(rules, c.gateway.metrics), nil
		})
	}
	if len(asked) > 0 || len(c.shown) > 0 {
		forward := ""
		if _, out := nearestOutbound(levels); out != nil {
			forward = out.Word
		}
		chain = append(chain, identify.Conceal(forward, c.shown, asked...))
	}
	return chain
}

func (c *chains) authorize(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.Authorize; cfg != nil {
			chain = c.add(chain, Step{"authorize", l.At("authorize")}, func() (exchange.Policy, error) {
				return authorize.New(cfg, c.profiles)
			})
		}
	}
	return chain
}

func (c *chains) validate(levels []config.Level) (chain []exchange.Policy) {
	for _, l := range levels {
		if cfg := l.Policies.Validate; cfg != nil {
			chain = c.add(chain, Step{"validate", l.At("validate")}, func() (exchange.Policy, error) {
				rules := validate.Rules{Validation: cfg, Bodies: c.next.bodies}
				if cfg.NeedsDefinition() {
					rules.Definition = c.next.apis[c.api].definition
				}
				return validate.New(rules, c.gateway.metrics), nil
			})
		}
	}
	return chain
}

// throttleEarly are the limits that protect credentials from being guessed.
func (c *chains) throttleEarly(levels []config.Level) []exchange.Policy {
	return c.limits(levels, true)
}

func (c *chains) throttle(levels []config.Level) []exchange.Policy { return c.limits(levels, false) }

// chains builds those of one API.
type chains struct {
	*builder
	api   int
	known identify.Known
	shown []string                      // fields that tell upstreams who calls
	last  exchange.Handler              // forwards
	rules map[string]exchange.Policy    // by their places
	built map[string]exchange.Handler   // by the places of their levels
	logs  map[string]*invocationlog.Log // by the places of their levels
}

// add appends the policy of a section, which is built once however many chains
// it stands in; one that is at fault, or has nothing to do, is left out.
func (c *chains) add(chain []exchange.Policy, step Step, build func() (exchange.Policy, error)) []exchange.Policy {
	place := fmt.Sprint(step.Name, step.Path)
	policy, known := c.rules[place]
	if !known {
		made, err := build()
		if err != nil {
			c.failed(err, step.Path...)
		} else if made != nil {
			policy = c.told(made, step)
		}
		c.rules[place] = policy
	}
	if policy == nil {
		return chain
	}
	return append(chain, policy)
}

// byMethod is what holds for a resource, where it depends on the method.
type byMethod[T any] struct {
	methods map[string]T
	other   T
}

func (b *byMethod[T]) of(method []byte) T {
	if one, ok := b.methods[string(method)]; ok {
		return one
	}
	return b.other
}

// newByMethod is what of makes of the levels that requests meet at a resource of
// an API that names scopes.
func newByMethod[T any](cfg *config.Config, api int, scopes []string, of func([]config.Level) T) byMethod[T] {
	b := byMethod[T]{map[string]T{}, of(cfg.Levels(api, "", scopes))}
	for _, method := range cfg.LevelMethods(api) {
		b.methods[method] = of(cfg.Levels(api, method, scopes))
	}
	return b
}

// handler is the chain of a resource that names scopes.
func (c *chains) handler(scopes []string) exchange.Handler {
	b := newByMethod(c.config, c.api, scopes, c.of)
	if len(b.methods) == 0 {
		return b.other
	}
	return func(x *exchange.Exchange) error { return b.of(x.HTTP.Method())(x) }
}

// preflight is the same for what a browser asks about the resource; nil where no
// policy answers that.
func (c *chains) preflight(scopes []string) byMethod[exchange.Handler] {
	return newByMethod(c.config, c.api, scopes, func(levels []config.Level) exchange.Handler {
		if _, cfg := nearestCORS(levels); cfg == nil {
			return nil
		}
		return c.of(levels)
	})
}

func (c *chains) of(levels []config.Level) exchange.Handler {
	var key string
	for _, l := range levels {
		key += fmt.Sprint(l.Path)
	}
	if c.built[key] == nil {
		c.built[key] = exchange.Chain(c.forward(levels), c.chain(levels)...)
	}
	return c.built[key]
}
