package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"postern/gateway/admin"
)

// Addrs are the addresses that a gateway listens on; nil where it does not.
type Addrs struct{ HTTP, HTTPS, Admin net.Addr }

// listeners are the open ones, and what serves them.
type listeners struct {
	mu                 sync.Mutex
	http, https, admin net.Listener
	window             *fasthttp.Server
}

// Listen opens the listeners of the live configuration, whose ports and limits
// hold until the process ends. It must follow the first Apply; again, it does
// nothing.
func (g *Gateway) Listen() error {
	cfg := g.Config()
	if cfg == nil {
		return errors.New("listen: no configuration has been applied")
	}
	l := &g.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.server.Load() != nil {
		return nil
	}
	for _, one := range []struct {
		name, key, address string
		listener           *net.Listener
	}{
		{"http", "ports.http", string(cfg.Ports.HTTP), &l.http},
		{"https", "ports.https", string(cfg.Ports.HTTPS), &l.https},
		{"admin", "admin_api.listen", cfg.AdminAPI.Listen, &l.admin},
	} {
		if one.address == "" {
			continue
		}
		opened, err := net.Listen("tcp", one.address)
		if err != nil {
			l.close(l.http, l.https, l.admin)
			if in := (*net.OpError)(nil); errors.As(err, &in) {
				err = in.Err // the rest says again where
			}
			return fmt.Errorf("listen on %s, as %s says: %w", one.address, one.key, err)
		}
		*one.listener = opened
		g.log.Info("listening", zap.String("listener", one.name), zap.String("address", opened.Addr().String()))
	}
	s := newServer(cfg.Limits, g.failures, g.metrics)
	s.handle, s.refuse = g.Handle, g.Refuse
	g.metrics.Listens()
	if s.perIP != nil {
		s.perIP.exempt = func(a netip.Addr) bool { return g.live.Load().trusts(a) }
	}
	l.window = admin.Server(g.adminSources())
	g.begin()
	g.server.Store(s)
	return nil
}

// close ends traffic's listeners or all of them. They are closed here and not by
// what serves them, which may not have begun to.
func (l *listeners) close(all ...net.Listener) {
	for _, one := range all {
		if one != nil {
			_ = one.Close() // it accepts no more, whatever it says
		}
	}
}

// windowGrace is how long the operator's listener is waited for, once traffic has
// ended. Nothing that is asked for there is worth more.
const windowGrace = time.Second

// endWindow closes the operator's listener. Whoever does not take his answer
// there neither delays the end nor makes it a failure.
func (l *listeners) endWindow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, windowGrace)
	defer cancel()
	_ = l.window.ShutdownWithContext(ctx)
	l.close(l.admin)
}

// Addrs tells where Listen has opened listeners.
func (g *Gateway) Addrs() Addrs {
	l := &g.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	address := func(n net.Listener) net.Addr {
		if n == nil {
			return nil
		}
		return n.Addr()
	}
	return Addrs{address(l.http), address(l.https), address(l.admin)}
}

// Serve accepts connections, after Listen if nobody has called it, until ctx
// ends or Shutdown is called. When ctx ends it shuts down as the live
// configuration says: not ready for shutdown.delay, then no new connections and
// at most shutdown.grace for what runs.
func (g *Gateway) Serve(ctx context.Context) error {
	if err := g.Listen(); err != nil {
		return err
	}
	s, l := g.server.Load(), &g.listeners
	all, served := errgroup.WithContext(ctx)
	stopped := make(chan struct{})
	accept := func(n net.Listener, serve func(net.Listener) error) {
		if n != nil {
			all.Go(func() error { return serve(n) })
		}
	}
	accept(l.http, func(n net.Listener) error { return s.serve(n, nil) })
	accept(l.https, func(n net.Listener) error { return s.serve(n, g.liveTLS) })
	accept(l.admin, func(n net.Listener) error {
		if err := l.window.Serve(admin.Listener(n)); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	var drained error
	go func() {
		defer close(stopped)
		<-served.Done()
		drained = g.drain()
	}()
	err := all.Wait()
	<-stopped
	return errors.Join(err, drained)
}

// liveTLS is how a new connection is spoken to.
func (g *Gateway) liveTLS() *tls.Config { return g.live.Load().tls }

// drain ends serving in the order in which a cluster takes notice.
func (g *Gateway) drain() error {
	limits := g.Config().Shutdown
	if !g.draining.Swap(true) {
		g.log.Info("shutting down", zap.Duration("delay", limits.Delay.Limit()), zap.Duration("grace", limits.Grace.Limit()))
		if s := g.server.Load(); s != nil {
			s.leaving.Store(true) // callers move on while there is somebody to move on to
		}
		<-time.After(limits.Delay.Limit())
	}
	ctx, cancel := context.WithTimeout(context.Background(), limits.Grace.Limit())
	defer cancel()
	err := g.Shutdown(ctx)
	if err != nil {
		g.log.Warn("shut down", zap.Error(err))
	} else {
		g.log.Info("shut down")
	}
	return err
}

// Shutdown closes the listeners and the idle connections, waits for running
// exchanges until ctx ends, and ends those that are left; that is its error. The
// admin listener closes last, so that the drain can be watched.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.draining.Store(true)
	g.closing.Do(func() {
		if s, l := g.server.Load(), &g.listeners; s != nil {
			l.close(l.http, l.https)
			g.closed = s.shutdown(ctx)
			l.endWindow(ctx)
		}
		g.end(ctx)
	})
	return g.closed
}
