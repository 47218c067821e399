// Package route says where a request goes: the first of some rules that fits it
// may send it to an upstream of its own, and change what that is asked for. It
// comes after all that decides whether the request may pass.
package route

import (
	"sync"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// Site is what rules need to know of where they stand.
type Site struct {
	Bodies *message.Bodies
	// Forward is the handler that sends requests to the upstream of a rule; the
	// error is config.Faults with paths relative to cfg.
	Forward func(rule string, cfg *config.Upstream) (exchange.Handler, error)
	Counter func(rule string) *metrics.Counter // of the requests that a rule takes
}

// rule is a way that requests may go.
type rule struct {
	name       string
	when       when
	forward    exchange.Handler // nil: to the API's upstream
	method     []byte           // nil: as it came
	noPath     bool
	noQuery    bool
	parameters []exchange.Parameter
	fields     []field
	taken      *metrics.Counter
}

// field is one that a rule sets.
type field struct {
	name string
	text *variable.Template
}

// policy is the rules of a level.
type policy struct {
	rules   []rule
	buffers sync.Pool // of *[]byte, for the values of fields
}

// New builds the policy. The error is config.Faults with paths relative to cfg.
func New(cfg *config.Route, site Site) (exchange.Policy, error) {
	b := &builder{site: site}
	p := &policy{rules: make([]rule, len(cfg.Rules))}
	p.buffers.New = func() any { return new([]byte) }
	for i := range cfg.Rules {
		b.at, b.name = []any{"rules", i}, cfg.Rules[i].Name
		p.rules[i] = b.rule(&cfg.Rules[i])
	}
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	return p.handle, nil
}

func (p *policy) handle(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		for i := range p.rules {
			fits, err := p.rules[i].when.holds(x)
			if err != nil {
				return err
			}
			if fits {
				p.take(&p.rules[i], x)
				break
			}
		}
		return next(x)
	}
}

// take lets x go the way of a rule.
func (p *policy) take(r *rule, x *exchange.Exchange) {
	r.taken.Inc()
	x.Rule, x.Forward = r.name, r.forward
	if r.method != nil && !x.HTTP.IsHead() {
		x.Sent.Method = r.method
	}
	if r.noPath {
		x.Sent.Rest = x.Rest[:0]
	}
	if r.noQuery {
		x.Query = nil
	}
	for i := range r.parameters {
		x.SetParameter(&r.parameters[i])
	}
	if len(r.fields) > 0 {
		p.set(r.fields, x)
	}
}

// set gives x its fields, one after the other.
func (p *policy) set(fields []field, x *exchange.Exchange) {
	buffer := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buffer)
	v := variable.Values{X: x, Most: mostOfFields}
	for i := range fields {
		*buffer = fields[i].text.Append((*buffer)[:0], &v)
		x.Head.SetBytes(fields[i].name, *buffer)
	}
}

// mostOfFields bounds what a caller can make of one field.
const mostOfFields = 8 << 10

// builder compiles rules and collects what is wrong with them.
type builder struct {
	site   Site
	at     []any  // the rule
	name   string // its
	faults config.Faults
}

func (b *builder) failed(err error, below ...any) {
	path := append(append([]any{}, b.at...), below...)
	b.faults = append(b.faults, config.Below(err, path...)...)
}

func (b *builder) rule(cfg *config.RouteRule) rule {
	r := rule{
		name: cfg.Name, noPath: cfg.Path == "drop", noQuery: cfg.Query == "drop",
		taken: b.site.Counter(cfg.Name), when: b.when(cfg.When),
	}
	if cfg.Method != "" {
		r.method = []byte(cfg.Method)
	}
	for _, q := range cfg.SetQuery {
		r.parameters = append(r.parameters, exchange.NewParameter(q.Name, q.Text))
	}
	for _, h := range cfg.Headers {
		text, err := variable.Parse(h.Text, variable.Place{Kind: variable.Header, NoAnswer: true})
		if err != nil {
			b.failed(err, "headers", h.Name)
		}
		r.fields = append(r.fields, field{h.Name, text})
	}
	if cfg.Upstream != nil {
		var err error
		if r.forward, err = b.site.Forward(cfg.Name, cfg.Upstream); err != nil {
			b.failed(err, "upstream")
		}
	}
	return r
}
