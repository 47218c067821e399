package gateway

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/admin"
	"postern/gateway/crash"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/gateway/upstream"
	"postern/provisioning/config"
)

// Gateway serves requests as its live configuration says. It is safe for
// concurrent use.
type Gateway struct {
	live     atomic.Pointer[generation]
	server   atomic.Pointer[server] // nil until Listen
	draining atomic.Bool            // Shutdown has begun

	listeners listeners
	closing   sync.Once // Shutdown runs once; closed is what came of it
	closed    error

	log       *zap.Logger
	failures  *sampler // writes to log what may come with every request
	alerts    *sampler // and what policies tell the operator
	metrics   *metrics.Instruments
	access    *accessLog
	ids       *ids
	node      string // the name of this host
	version   string
	started   time.Time
	reload    func() admin.Reload
	refreshes refreshes
	traffic   func(ctx *fasthttp.RequestCtx, cfg *config.Config, path []byte) // admin's pages on the traffic ports
	forward   func(*upstream.Upstream) exchange.Handler                       // the last handler of a chain
	rehearsal *Rehearsal                                                      // nil: it serves

	apply    sync.Mutex // held while a configuration is built and swapped in
	mu       sync.Mutex
	retiring map[*generation]struct{} // replaced, and still serving; guarded by mu
	tracers  map[*tracer]struct{}     // with an exporter that runs; guarded by mu
	outlets  map[*outlet]struct{}     // destinations that run; guarded by mu
}

// Option changes how a Gateway presents itself.
type Option func(*Gateway)

// Version is what the status calls this program.
func Version(version string) Option { return func(g *Gateway) { g.version = version } }

// Reload tells the status and the metrics of the last attempt to bring in a
// configuration. outcome must be safe for concurrent use.
func Reload(outcome func() admin.Reload) Option { return func(g *Gateway) { g.reload = outcome } }

// New makes a gateway without a configuration. It starts nothing.
func New(log *zap.Logger, options ...Option) *Gateway {
	g := &Gateway{
		log:      log,
		failures: newSampler(log),
		alerts:   newSampler(log.Named("throttle")),
		ids:      newIDs(),
		started:  time.Now(),
		reload:   func() admin.Reload { return admin.Reload{} },
		forward:  func(u *upstream.Upstream) exchange.Handler { return u.Forward },
		retiring: map[*generation]struct{}{},
		tracers:  map[*tracer]struct{}{},
		outlets:  map[*outlet]struct{}{},
	}
	g.node, _ = os.Hostname() // events of a host without a name do not say it
	for _, option := range options {
		option(g)
	}
	g.refreshes.gateway = g
	g.metrics = metrics.New(g.metricSources())
	g.access = newAccessLog(os.Stdout, log, g.metrics)
	g.traffic = admin.Traffic(g.adminSources())
	return g
}

// Check says whether Apply would take cfg. It changes nothing.
func (g *Gateway) Check(cfg *config.Config) error {
	_, err := g.build(cfg, g.live.Load())
	return err
}

// Apply makes cfg live. Requests that have begun stay with the configuration
// they began with. An error, which is config.Faults, has changed nothing.
func (g *Gateway) Apply(cfg *config.Config) error {
	g.apply.Lock()
	defer g.apply.Unlock()
	next, err := g.build(cfg, g.live.Load())
	if err != nil {
		return err
	}
	next.adopt()
	next.tokens.Start() // before the first request, which would wait for keys that nobody fetches
	old := g.live.Swap(next)
	g.metrics.Retain(next.names())
	if old != nil {
		g.retire(old)
	}
	return nil
}

// Handle serves one request. Afterwards either x.Answer has a Status, or
// x.HTTP.Response is the whole answer. x.Finish must follow.
func (g *Gateway) Handle(x *exchange.Exchange) {
	defer g.rescue(x)
	n := g.hold(x)
	kept := g.ids.give(x)
	if n == nil {
		g.answer(x, problem.Overloaded)
		return
	}
	if !kept {
		x.Head.SetBytes(problem.RequestID, x.ID)
	}
	n.locate(x)
	n.certify(x)
	if n.tracer != nil {
		n.tracer.begin(x)
	}
	switch err := n.serve(x); {
	case err != nil:
		g.answer(x, err)
	case x.Answer.Status != 0:
		x.Answer.Head.SetBytes(problem.RequestID, x.ID)
		x.Answer.Head.Join(&x.Fields)
	default:
		x.HTTP.Response.Header.SetBytesV(problem.RequestID, x.ID)
		addFields(x)
	}
}

// Refuse answers a request whose head was not understood, with the same
// accounting as Handle. x.Finish must follow.
func (g *Gateway) Refuse(x *exchange.Exchange, p *problem.Problem) {
	defer g.rescue(x)
	if n := g.hold(x); n != nil {
		n.locate(x)
	}
	g.ids.give(x)
	g.answer(x, p)
}

// rescue turns a panic into an answer.
func (g *Gateway) rescue(x *exchange.Exchange) {
	p := recover()
	if p == nil {
		return
	}
	if c := g.failures.check(zap.ErrorLevel, "panic while serving a request", x.API); c != nil {
		c.Write(zap.ByteString("id", x.ID), zap.String("api", x.API), crash.Fields(p))
	}
	x.Reason = "panic"
	g.answer(x, problem.Internal)
}

// hold takes the live generation for x, until x ends; nil: there is none yet.
func (g *Gateway) hold(x *exchange.Exchange) *generation {
	for {
		n := g.live.Load()
		if n == nil {
			return nil
		}
		n.enter(x.Shard)
		// A generation that was replaced in between may already have ended.
		if g.live.Load() == n {
			x.Done, x.Tell = n.nowhere.done, n.nowhere.tell.other
			return n
		}
		n.leave(x.Shard)
	}
}

// retire lets a replaced generation end with its last request.
func (g *Gateway) retire(n *generation) {
	g.mu.Lock()
	g.retiring[n] = struct{}{}
	g.mu.Unlock()
	n.retire()
}

// ended forgets a generation that serves no more.
func (g *Gateway) ended(n *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.retiring, n)
}

// begin starts what runs beside requests.
func (g *Gateway) begin() {
	g.access.start()
	g.lifecycle("STARTED")
}

// end stops what runs beside requests, once no more will come, by the end of ctx
// if it can.
func (g *Gateway) end(ctx context.Context) {
	g.apply.Lock()
	defer g.apply.Unlock()
	if g.server.Load() != nil {
		g.lifecycle("STOPPED")
	}
	if n := g.live.Load(); n != nil {
		n.retire()
	}
	g.endDestinations(ctx)
	g.endTracers()
	g.access.stop()
	g.failures.end()
	g.alerts.end()
}
