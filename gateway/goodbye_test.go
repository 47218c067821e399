package gateway

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

const hello = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// visit joins a caller to a server that answers all by itself.
func visit(t *testing.T, s *server) *peer {
	t.Helper()
	near, far := net.Pipe()
	s.handle = func(x *exchange.Exchange) { x.HTTP.Response.SetStatusCode(200) }
	s.open.Add(1)
	go s.accepted(near, nil)
	return newPeer(t, far)
}

// bubble runs f where time is its own. What fasthttp starts once, a clock of
// seconds, stays outside.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	new(fasthttp.ResponseHeader).Header()
	synctest.Test(t, f)
}

// leave begins a drain that has an hour.
func leave(t *testing.T, s *server) <-chan error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	left := make(chan error, 1)
	go func() { left <- s.shutdown(ctx) }()
	synctest.Wait()
	return left
}

// When a drain begins, a connection without a request ends: soon when it has
// had one, later when it is new; what comes before that is answered.
func TestGoodbye(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rests time.Duration // before the drain, after a request; 0: a new connection
		until time.Duration // how long it waits
	}{
		{"new", 0, firstCall},
		{"used", 10 * time.Millisecond, lastCall},
		{"used, resting", hold + time.Second, lastCall},
	} {
		for _, asks := range []bool{false, true} {
			name := tt.name
			if asks {
				name += ", asks in time"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := newServer(config.Default().Limits, newSampler(zap.NewNop()), metrics.New(metrics.Sources{}))
					p := visit(t, s)
					if tt.rests > 0 {
						answer := p.do(hello)
						if wantStatus(t, answer, 200); field(answer, "Connection") != "" {
							t.Errorf("answer %q", answer)
						}
						time.Sleep(tt.rests)
					}
					begun, left := time.Now(), leave(t, s)
					if asks {
						time.Sleep(tt.until - time.Millisecond)
						answer := p.do(hello)
						if wantStatus(t, answer, 200); field(answer, "Connection") != "close" {
							t.Errorf("answer %q", answer)
						}
						tt.until -= time.Millisecond
					}
					if text, err := p.rest(); text != "" || err != nil {
						t.Errorf("then %q, %v", text, err)
					}
					if took := time.Since(begun); took != tt.until {
						t.Errorf("connection ended after %v, want %v", took, tt.until)
					}
					if err := <-left; err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// A head that has begun to arrive is read to its end.
func TestDrainReadsABegunHead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(config.Default().Limits, newSampler(zap.NewNop()), metrics.New(metrics.Sources{}))
		p := visit(t, s)
		_ = p.send(hello[:5]) // read at once
		left := leave(t, s)
		time.Sleep(time.Second)
		if answer := p.do(hello[5:]); status(answer) != 200 || field(answer, "Connection") != "close" {
			t.Errorf("answer %q", answer)
		}
		if err := <-left; err != nil {
			t.Error(err)
		}
	})
}

// While shutdown.delay runs, connections are still taken, and every answer asks
// its caller to come back on another one.
func TestLeavingAsksCallersToGo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(config.Default().Limits, newSampler(zap.NewNop()), metrics.New(metrics.Sources{}))
		p := visit(t, s)
		wantStatus(t, p.do(hello), 200)
		s.leaving.Store(true)
		for _, p := range []*peer{p, visit(t, s)} {
			time.Sleep(20 * time.Second) // silence alone ends nothing yet
			if answer := p.do(hello); status(answer) != 200 || field(answer, "Connection") != "close" {
				t.Errorf("answer %q", answer)
			}
			if text, err := p.rest(); text != "" || err != nil {
				t.Errorf("then %q, %v", text, err)
			}
		}
		if err := <-leave(t, s); err != nil {
			t.Error(err)
		}
	})
}

// Connections that wait are no requests that were cut.
func TestOnlyRequestsAreCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(config.Default().Limits, newSampler(zap.NewNop()), metrics.New(metrics.Sources{}))
		p := visit(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), firstCall/2)
		defer cancel()
		if err := s.shutdown(ctx); err != nil {
			t.Error(err)
		}
		if _, err := p.br.ReadByte(); err == nil {
			t.Error("the connection is still there")
		}
		if err := s.serve(closedListener{}, nil); err != nil {
			t.Error(err)
		}
	})
}

// closedListener accepts nothing.
type closedListener struct{ net.Listener }

func (closedListener) Accept() (net.Conn, error) {
	return nil, errors.Join(net.ErrClosed, errors.New("accept"))
}
