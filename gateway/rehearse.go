package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/upstream"
	"postern/introspect"
)

// Step is one rule of a chain: what it is called, and where its section stands
// in the configuration.
type Step struct {
	Name string
	Path []any
}

// Rehearsal lets a gateway go through requests for nobody: the very chains that
// serve are played, step by step, and what would be forwarded is shown instead.
// The functions are called by the goroutine that plays; x is theirs to read.
type Rehearsal struct {
	Passed    func(step Step, x *exchange.Exchange)
	Refused   func(step Step, x *exchange.Exchange, err error)
	Forwarded func(x *exchange.Exchange, head []byte) // as the target would see it
	Ended     func(x *exchange.Exchange)              // the answer is decided
	// Fetch allows keys, denylists and answers to be fetched; otherwise nothing
	// is asked of anybody.
	Fetch bool
}

// Rehearse makes a gateway play instead of serve.
func Rehearse(r *Rehearsal) Option {
	return func(g *Gateway) {
		g.rehearsal = r
		g.forward = func(u *upstream.Upstream) exchange.Handler {
			return func(x *exchange.Exchange) error {
				r.Forwarded(x, u.Head(x))
				x.HTTP.SetStatusCode(http.StatusOK)
				return nil
			}
		}
	}
}

// told lets a rehearsal know how x fares at a step.
func (b *builder) told(policy exchange.Policy, step Step) exchange.Policy {
	r := b.gateway.rehearsal
	if r == nil {
		return policy
	}
	return func(next exchange.Handler) exchange.Handler {
		passed := false // one request is played at a time
		inner := policy(func(x *exchange.Exchange) error {
			passed = true
			r.Passed(step, x)
			return next(x)
		})
		return func(x *exchange.Exchange) error {
			passed = false
			err := inner(x)
			if !passed {
				r.Refused(step, x, err)
			}
			return err
		}
	}
}

// routed lets a rehearsal know which resource was found; -1: the API states none.
func (b *builder) routed(api, resource int, h exchange.Handler) exchange.Handler {
	r := b.gateway.rehearsal
	if r == nil {
		return h
	}
	step := Step{"route", []any{"apis", api}}
	if resource >= 0 {
		step.Path = append(step.Path, "resources", resource)
	}
	return func(x *exchange.Exchange) error {
		r.Passed(step, x)
		return h(x)
	}
}

// transport is what a gateway fetches with; nil: as it is configured.
func (g *Gateway) transport() http.RoundTripper {
	if g.rehearsal == nil || g.rehearsal.Fetch {
		return nil
	}
	return offline{}
}

// offline reaches nobody.
type offline struct{}

var errOffline = errors.New("nothing is fetched in a rehearsal")

// RoundTrip implements http.RoundTripper.
func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

// Caller is who sends a request that is played.
type Caller struct {
	Address     netip.Addr
	Secure      bool   // over TLS
	Certificate []byte // shown over TLS, DER; nil: none
}

// Play serves one request as if a connection had brought it, head and body, and
// returns the whole answer. The gateway rehearses and has a configuration. Only
// one request is played at a time.
func (g *Gateway) Play(from Caller, request []byte) (answer []byte, err error) {
	if g.rehearsal == nil || g.Config() == nil {
		return nil, errors.New("play: the gateway does not rehearse, or has no configuration")
	}
	s := newServer(g.Config().Limits, g.failures, g.metrics)
	s.handle = func(x *exchange.Exchange) {
		g.Handle(x)
		g.rehearsal.Ended(x)
	}
	s.refuse = g.Refuse
	here, there := net.Pipe()
	played := s.newSession(caller{there, from.Address})
	if from.Secure {
		played.tls = 0x0304 // TLS 1.3
	}
	if from.Certificate != nil {
		played.certificate = introspect.Thumbprint(from.Certificate)
	}
	s.readers.Give(played.conn)
	go played.serve()
	go func() {
		_, _ = here.Write(request) // what is not read, the answer has settled
	}()
	if err := here.SetReadDeadline(time.Now().Add(playTime)); err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	defer here.Close()
	answer, err = io.ReadAll(here)
	if err != nil && len(answer) == 0 {
		return nil, fmt.Errorf("play: %w", err)
	}
	return answer, nil
}

// Drop ends what a rehearsal has begun.
func (g *Gateway) Drop() { g.end(context.Background()) }

// playTime is longer than anything a request waits for before it is forwarded.
const playTime = time.Minute

// caller is a connection that comes from somewhere.
type caller struct {
	net.Conn
	address netip.Addr
}

// RemoteAddr implements net.Conn.
func (c caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.address, 0))
}
