package gateway

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"postern/gateway/admin"
	"postern/gateway/definition"
	"postern/gateway/exchange"
	"postern/gateway/hostname"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/password"
	"postern/gateway/policy/cors"
	"postern/gateway/policy/throttle"
	"postern/gateway/problem"
	"postern/gateway/router"
	"postern/introspect"
	"postern/provisioning/config"
)

// generation is one configuration at work. It is immutable but for its counters.
type generation struct {
	gateway      *Gateway
	config       *config.Config
	hash         string      // names the configuration, see admin.Hash
	tls          *tls.Config // of the https listener; nil: none
	router       *router.Router
	apis         []*api // as in config
	nowhere      *api   // for exchanges that no API took
	trusted      []netip.Prefix
	line         lineFormat // of the access log
	tokens       *introspect.Set
	passwords    *password.Verifier // nil: no caller shows one
	hostnames    *hostname.Resolver
	bodies       *message.Bodies
	resources    resources             // what OAuth clients may ask of APIs
	certificates []metrics.Certificate // that connections depend on
	upstreams    map[ofRule]*carried
	routed       map[ofRule]*metrics.Counter       // requests
	definitions  map[string]*definition.Definition // by their digests
	limits       map[string]*limited               // by their rules
	crowds       map[[2]string]*crowd              // by API and level
	caches       map[[2]string]*cached             // by API and level
	throttled    map[[2]string]*throttle.Counts    // by API and rule
	watches      map[string]*watch                 // monitors, by level and place
	outlets      map[string]*outlet                // of events, by name
	tracer       *tracer                           // nil: none
	store        *sharing                          // nil: nothing is shared with other copies

	running [counters]counter // exchanges, by Exchange.Shard
	retired atomic.Bool
	once    sync.Once
}

// counters is how many parts a count has, so that cores do not share them.
const counters = 32

type counter struct {
	atomic.Int64
	_ [56]byte // one cache line each
}

// api is one API at work.
type api struct {
	generation *generation
	name       string // name/version
	counts     *metrics.API
	keepSlash  bool                         // %2F may stand in its paths
	definition *definition.Definition       // nil: none
	handlers   []exchange.Handler           // by resource, after the one for an API that states none
	preflights []byMethod[exchange.Handler] // likewise, for what browsers ask beforehand
	templates  []string                     // of those resources
	done       func(*exchange.Exchange, exchange.End)
	tell       byMethod[teller]         // before a resource is found
	pages      func(*exchange.Exchange) // lets them read that; nil: nothing does
}

// teller tells a caller of a problem; nil: the problem does so itself.
type teller = func(*exchange.Exchange, *problem.Problem)

// serve finds who is asked and lets the chain answer.
func (n *generation) serve(x *exchange.Exchange) error {
	header := &x.HTTP.Request.Header
	raw, query := header.RequestURI(), []byte(nil)
	if mark := bytes.IndexByte(raw, '?'); mark >= 0 {
		raw, query = raw[:mark], raw[mark+1:]
	}
	path, slash, err := router.Canonical(x.Path[:0], raw)
	if err != nil {
		x.Path = append(path[:0], raw...) // for the log
		return badPath(err)
	}
	x.Path, x.Query = path, query
	if admin.Owns(&n.config.AdminAPI, path) {
		n.gateway.traffic(x.HTTP, n.config, path)
		return nil
	}
	if n.resources.answer(x) {
		return nil
	}
	route, handler, err := n.route(x)
	a := n.nowhere
	if route.API >= 0 {
		a = n.apis[route.API]
		x.API, x.Done, x.Tell = a.name, a.done, a.tell.of(header.Method())
	}
	if slash && !a.keepSlash {
		return a.lost(x, badPath(errSlash))
	}
	if err != nil {
		return a.lost(x, noRoute(err, route.Allow))
	}
	x.Rest, x.Route = route.Rest, a.templates[route.Resource+1]
	return handler(x)
}

// route finds the chain of x: of a preflight that a policy answers, the one of the
// request that it asks about.
func (n *generation) route(x *exchange.Exchange) (router.Route, exchange.Handler, error) {
	header := &x.HTTP.Request.Header
	if method := cors.Preflight(x); method != nil {
		route, err := n.router.Match(method, header.Host(), x.Path)
		if err == nil {
			if h := n.apis[route.API].preflights[route.Resource+1].of(method); h != nil {
				return route, h, nil
			}
		}
	}
	route, err := n.router.Match(header.Method(), header.Host(), x.Path)
	if err != nil {
		return route, nil, err
	}
	return route, n.apis[route.API].handlers[route.Resource+1], nil
}

// lost is the end of an exchange for which no resource is found.
func (a *api) lost(x *exchange.Exchange, err error) error {
	if a.pages != nil {
		a.pages(x)
	}
	return err
}

var errSlash = errors.New("path holds an escaped slash")

func badPath(err error) error {
	p := problem.BadPath.Because(err)
	p.Detail = err.Error()
	return p
}

func noRoute(err error, allow string) error {
	if !errors.Is(err, router.ErrMethod) {
		return problem.NotFound
	}
	p := problem.MethodNotAllowed.Because(nil)
	p.Allow = allow
	return p
}

// finish accounts for an exchange of the API, and lets go of the generation.
func (a *api) finish(x *exchange.Exchange, e exchange.End) {
	n := a.generation
	defer n.leave(x.Shard)
	a.counts.Done(e.Status, x.Attempts, e.Duration-e.Tunnel, x.UpstreamTime)
	if x.Problem != "" {
		n.gateway.metrics.Problem(x.Problem).Inc()
	}
	if x.Trace.Sampled {
		n.tracer.end(x, e, &n.line.mask)
	}
	if n.line.wants(e) {
		n.gateway.access.write(x, e, &n.line)
	}
}

func (n *generation) enter(shard uint32) { n.running[shard%counters].Add(1) }

// leave ends the generation when it was retired and this was its last exchange.
func (n *generation) leave(shard uint32) {
	n.running[shard%counters].Add(-1)
	if n.retired.Load() && n.inFlight() == 0 {
		n.end()
	}
}

// inFlight is how many exchanges run. Once the generation has been replaced, 0
// is final: an exchange comes and goes in the same part of the count.
func (n *generation) inFlight() (sum int64) {
	for i := range n.running {
		sum += n.running[i].Load()
	}
	return sum
}

// retire ends the generation as soon as no exchange runs on it.
func (n *generation) retire() {
	n.retired.Store(true)
	if n.inFlight() == 0 {
		n.end()
	}
}

// end gives back what no other generation uses.
func (n *generation) end() {
	n.once.Do(func() {
		n.tokens.Close()
		for _, u := range n.upstreams {
			u.release()
		}
		n.tracer.release(n.gateway)
		for _, w := range n.watches {
			w.release() // before its destinations
		}
		for _, o := range n.outlets {
			o.release(n.gateway)
		}
		n.store.release()
		n.gateway.ended(n)
	})
}

// names are the APIs there are.
func (n *generation) names() map[string]bool {
	names := make(map[string]bool, len(n.apis))
	for _, a := range n.apis {
		names[a.name] = true
	}
	return names
}
