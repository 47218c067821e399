package gateway

import (
	"fmt"
	"slices"

	"postern/gateway/admin"
	"postern/gateway/application"
	"postern/gateway/definition"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/faults"
	"postern/gateway/policy/identify"
	"postern/gateway/policy/invocationlog"
	"postern/gateway/policy/throttle"
	"postern/gateway/router"
	"postern/introspect"
	"postern/provisioning/config"
)

// builder makes a generation. Whatever is wrong is collected, so that one
// report tells all of it.
type builder struct {
	gateway  *Gateway
	config   *config.Config
	previous *generation // may be nil
	next     *generation
	believed map[string]identify.Believed // by the names of the auth servers
	users    map[string]*config.User
	profiles map[string][]string // the groups of access profiles
	accounts identify.Passwords
	callers  *application.Registry
	wordings map[string]*faults.Faults // by their places; nil: one at fault
	faults   config.Faults
}

// build makes a generation that is not yet used. It opens, starts and fetches
// nothing, so that dropping the generation needs nothing either. The error is
// config.Faults.
func (g *Gateway) build(cfg *config.Config, previous *generation) (*generation, error) {
	b := &builder{gateway: g, config: cfg, previous: previous, believed: map[string]identify.Believed{}, wordings: map[string]*faults.Faults{}}
	b.callers, b.users = application.NewRegistry(cfg.Applications), make(map[string]*config.User, len(cfg.Users))
	for i := range cfg.Users {
		b.users[cfg.Users[i].Name] = &cfg.Users[i]
	}
	if len(b.callers.Faults) > 0 {
		b.failed(b.callers.Faults, "applications")
	}
	b.profiles = make(map[string][]string, len(cfg.AccessProfiles))
	for _, p := range cfg.AccessProfiles {
		b.profiles[p.Name] = p.Groups
	}
	b.next = &generation{
		gateway:      g,
		config:       cfg,
		hash:         admin.Hash(cfg),
		certificates: certificates(cfg),
		router:       router.New(cfg),
		apis:         make([]*api, len(cfg.APIs)),
		line:         newLineFormat(cfg.Logging, tokenParameters(cfg)...),
		upstreams:    make(map[ofRule]*carried, len(cfg.APIs)),
		routed:       map[ofRule]*metrics.Counter{},
		definitions:  map[string]*definition.Definition{},
		watches:      map[string]*watch{},
		limits:       map[string]*limited{},
		caches:       map[[2]string]*cached{},
		crowds:       map[[2]string]*crowd{},
		throttled:    map[[2]string]*throttle.Counts{},
	}
	for _, prefix := range cfg.TrustedProxies {
		b.next.trusted = append(b.next.trusted, prefix.Prefix)
	}
	b.tls()
	b.resources()
	b.hostnames()
	b.bodies()
	b.authServers()
	b.tracing()
	b.store()
	b.destinations()
	b.next.nowhere = b.newAPI("")
	b.next.nowhere.tell.other = b.tell(nil)
	for i := range cfg.APIs {
		b.api(i)
	}
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	return b.next, nil
}

// failed notes an error of the section at path; faults in it have paths
// relative to that.
func (b *builder) failed(err error, path ...any) {
	b.faults = append(b.faults, config.Below(err, path...)...)
}

func (b *builder) tls() {
	var err error
	if b.next.tls, err = serverTLS(b.config.TLS); err != nil {
		b.failed(err)
	}
}

func (b *builder) authServers() {
	var previous *introspect.Set
	if b.previous != nil {
		previous = b.previous.tokens
	}
	rules := introspect.Rules{
		Servers: b.config.AuthServers, Applications: b.config.Applications, Tokens: b.config.Tokens,
		Keep: b.keep(), Transport: b.gateway.transport(),
	}
	tokens, err := introspect.New(rules, previous, b.gateway.log.Named("introspect"))
	if err != nil {
		b.failed(err)
		return
	}
	b.next.tokens = tokens
}

// keep is where what was fetched is kept. A rehearsal leaves nothing behind.
func (b *builder) keep() string {
	if b.gateway.rehearsal != nil {
		return ""
	}
	return string(b.config.Bundle.Keep)
}

func (b *builder) resources() {
	var err error
	if b.next.resources, err = newResources(b.config); err != nil {
		b.failed(err, "apis")
	}
}

func (b *builder) newAPI(name string) *api {
	a := &api{generation: b.next, name: name, counts: b.gateway.metrics.API(name)}
	a.done = a.finish
	return a
}

// api builds the chains of an API: one for each group of levels that requests to
// it meet.
func (b *builder) api(index int) {
	cfg := &b.config.APIs[index]
	a := b.newAPI(cfg.FullName())
	a.keepSlash = cfg.Paths.EncodedSlash == "keep"
	a.tell = newByMethod(b.config, index, nil, b.tell)
	b.next.apis[index] = a
	b.definition(index, a)
	c := &chains{builder: b, api: index, shown: b.config.CallerFields(index), rules: map[string]exchange.Policy{}, built: map[string]exchange.Handler{}, logs: map[string]*invocationlog.Log{}}
	u, err := b.upstream(ofRule{api: a.name}, &cfg.Upstream)
	if err != nil {
		b.failed(err, "apis", index, "upstream")
	} else {
		c.last = b.gateway.forward(u)
	}
	a.handlers = make([]exchange.Handler, 1+len(cfg.Resources))
	a.templates = append(make([]string, 0, 1+len(cfg.Resources)), "/**")
	a.handlers[0] = b.routed(index, -1, c.handler(nil))
	a.pages = c.pages()
	a.preflights = append(make([]byMethod[exchange.Handler], 0, 1+len(cfg.Resources)), c.preflight(nil))
	for i := range cfg.Resources {
		a.templates = append(a.templates, cfg.Resources[i].Path)
		a.handlers[i+1] = b.routed(index, i, c.handler(cfg.Resources[i].Scopes))
		a.preflights = append(a.preflights, c.preflight(cfg.Resources[i].Scopes))
	}
	for i := range cfg.Scopes {
		c.handler([]string{cfg.Scopes[i].Name}) // one that no resource names may be at fault too
	}
}

// believe is whose tokens an API accepts. APIs that name the same auth servers
// share one view.
func (b *builder) believe(cfg *config.Identify) (identify.Believed, error) {
	if !cfg.Tokens() {
		return identify.Believed{Users: b.users}, nil
	}
	accepts := introspect.Accepts{
		Servers: cfg.AuthServers, JWT: slices.Contains(cfg.By, "jwt"), Opaque: slices.Contains(cfg.By, "opaque"),
	}
	key := fmt.Sprintf("%q %t %t", accepts.Servers, accepts.JWT, accepts.Opaque)
	if known, ok := b.believed[key]; ok {
		return known, nil
	}
	if b.next.tokens == nil {
		return identify.Believed{}, nil // reported with the auth servers
	}
	view, err := b.next.tokens.For(accepts)
	if err != nil {
		return identify.Believed{}, err
	}
	believed := identify.Believed{
		Tokens: view, Servers: map[string]*config.AuthServer{}, Users: b.users,
		Proofs: b.next.tokens.Proofs(), Denylist: b.next.tokens.Denylist(),
	}
	for i := range b.config.AuthServers {
		if s := &b.config.AuthServers[i]; slices.Contains(cfg.AuthServers, s.Name) {
			believed.Servers[s.Name] = s
		}
	}
	b.believed[key] = believed
	return believed, nil
}
