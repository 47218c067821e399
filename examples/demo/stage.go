package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"postern/gateway"
	"postern/provisioning"
)

// stage is everything of a demonstration, running.
type stage struct {
	path     string // of the settings
	hooks    Hooks
	issuer   *issuer
	upstream *echo
	gateway  *gateway.Gateway

	stop    context.CancelFunc
	running sync.WaitGroup
	ended   chan error // what ended by itself, and why
}

// newStage starts all of it. The caller closes the stage.
func newStage(o Options) (*stage, error) {
	issuer, err := newIssuer(o.Hooks.publish)
	if err != nil {
		return nil, err
	}
	upstream, err := newEcho()
	if err != nil {
		return nil, errors.Join(err, issuer.listener.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &stage{hooks: o.Hooks, issuer: issuer, upstream: upstream, stop: stop, ended: make(chan error, 4)}
	s.start("issuer", func() error { return issuer.server.Serve(issuer.listener) })
	s.start("upstream", func() error { return upstream.server.Serve(upstream.listener) })
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open writes the settings and runs a gateway on them.
func (s *stage) open(ctx context.Context, o Options) (err error) {
	text := fmt.Sprintf(settings, s.issuer.url, s.upstream.url)
	if s.path, err = newSettings(s.hooks.settings(text)); err != nil {
		return err
	}
	var reloader *provisioning.Reloader
	s.gateway, reloader = o.Assemble(provisioning.Sources{Paths: []string{s.path}})
	if err := reloader.First(); err != nil {
		return fmt.Errorf("load %s: %w", s.path, err)
	}
	if err := s.gateway.Listen(); err != nil {
		return err
	}
	s.start("reloader", func() error { return reloader.Run(ctx) })
	s.start("gateway", func() error { return s.gateway.Serve(ctx) })
	return nil
}

// start runs f until close; an end before that is reported.
func (s *stage) start(name string, f func() error) {
	s.running.Go(func() {
		if err := f(); err != nil && !errors.Is(err, context.Canceled) {
			s.ended <- fmt.Errorf("run %s: %w", name, err)
		}
	})
}

// traffic and admin are where the gateway listens.
func (s *stage) traffic() string { return "http://" + s.gateway.Addrs().HTTP.String() }
func (s *stage) admin() string   { return "http://" + s.gateway.Addrs().Admin.String() }

// close ends all of it and removes the settings.
func (s *stage) close() error {
	var errs []error
	if s.gateway != nil {
		ctx, cancel := context.WithTimeout(context.Background(), settle)
		defer cancel()
		errs = append(errs, s.gateway.Shutdown(ctx))
	}
	s.stop()
	errs = append(errs, s.upstream.server.Shutdown(), s.issuer.server.Shutdown())
	// A server that had not begun to serve has not seen its Shutdown.
	_, _ = s.upstream.listener.Close(), s.issuer.listener.Close()
	s.running.Wait()
	if s.path != "" {
		errs = append(errs, os.RemoveAll(filepath.Dir(s.path)))
	}
	return errors.Join(errs...)
}
