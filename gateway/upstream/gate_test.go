package upstream

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&config.Upstream{MaxPending: 2, Queue: &config.Queue{Size: 2, Wait: config.Duration(time.Second)}})
		var in, out atomic.Int32
		enter := func() {
			x := asked()
			x.Conn = wire.NewConn(nil)
			switch err := g.enter(x); {
			case err == nil:
				in.Add(1)
			case errors.Is(err, problem.Overloaded):
				out.Add(1)
			default:
				t.Error(err)
			}
		}
		expect := func(what string, wantIn, wantOut int32) {
			t.Helper()
			synctest.Wait()
			if in.Load() != wantIn || out.Load() != wantOut {
				t.Fatalf("%s: %d in, %d refused, want %d and %d", what, in.Load(), out.Load(), wantIn, wantOut)
			}
		}
		for range 5 {
			go enter()
		}
		expect("two pass, two wait", 2, 1)
		g.leave()
		expect("one that waited follows", 3, 1)
		time.Sleep(time.Second)
		expect("the other has waited too long", 3, 2)
		go enter()
		expect("there is room in the queue again", 3, 2)
		g.leave()
		g.leave()
		expect("and then in the upstream", 4, 2)
	})
}

// Who has left while waiting is not let in.
func TestGateIsForThosePresent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	caller, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	g := newGate(&config.Upstream{MaxPending: 1, Queue: &config.Queue{Size: 1, Wait: config.Duration(time.Minute)}})
	x := asked()
	if err := g.enter(x); err != nil {
		t.Fatal(err)
	}
	x.Conn = wire.NewConn(caller)
	entered := make(chan error)
	go func() { entered <- g.enter(x) }()
	until(t, "it waits", func() bool { return g.waiting.Load() == 1 })
	peer.Close()
	look := wire.NewConn(caller)
	until(t, "the caller has left", look.Gone)
	g.leave()
	if err := <-entered; !errors.Is(err, problem.CallerGone) {
		t.Errorf("let in, or refused for another reason: %v", err)
	}
	if err := g.enter(x); err != nil {
		t.Errorf("its place is not free: %v", err)
	}
}

func TestGateWithoutQueue(t *testing.T) {
	g := newGate(&config.Upstream{MaxPending: 1})
	if g.enter(asked()) != nil || !errors.Is(g.enter(asked()), problem.Overloaded) {
		t.Error("want one in and the next refused")
	}
}

func TestBudget(t *testing.T) {
	r := newRetry(&config.Retry{Attempts: 2, Budget: 0.25})
	b := &r.budget
	spent := 0
	for b.spend() {
		spent++
	}
	if spent != 100 {
		t.Errorf("%d retries from what was saved up, want 100", spent)
	}
	for range 8 {
		b.earn()
	}
	for spent = 0; b.spend(); spent++ {
	}
	if spent != 2 {
		t.Errorf("%d retries for eight requests, want 2", spent)
	}
	for range 10_000 {
		b.earn()
	}
	if left := b.left.Load(); left < maxTokens || left > maxTokens+token {
		t.Errorf("%d saved up, want %d", left, maxTokens)
	}
}

// What breaks in the middle of a request costs no place: of the upstream, of its
// target, and of the one trial of a circuit.
func TestPanicsCostNoPlace(t *testing.T) {
	u := prepared(t, config.Upstream{
		MaxPending: 1, MaxConnections: 1,
		CircuitBreaker: &config.CircuitBreaker{Failures: 1, Open: config.Duration(time.Nanosecond)},
	}, 1)
	m := u.members[0]
	done, _ := m.breaker.allow()
	done(errFailed) // from now on each request is a trial
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Fatal("no panic without a connection of the caller's")
				}
			}()
			_ = u.Forward(asked())
		}()
	}
	if n := m.pending.Load(); n != 0 {
		t.Errorf("%d requests are pending", n)
	}
}

// No more bodies are held than a few of the largest; others are sent once.
func TestHeldBodiesAreBounded(t *testing.T) {
	u := prepared(t, config.Upstream{Retry: new(config.Retry)}, 1, 1)
	u.replayable = 10
	held := func() *request {
		x := asked()
		x.HTTP.Request.Header.SetMethod("PUT")
		x.Request.Length, x.Body = 10, new(wire.Body)
		x.Body.SetLength(bufio.NewReader(strings.NewReader("0123456789")), 10)
		r := &request{x: x}
		if err := u.hold(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	var all []*request
	for range maxHeld {
		r := held()
		if string(r.body) != "0123456789" {
			t.Fatalf("held %q", r.body)
		}
		all = append(all, r)
	}
	if r := held(); r.inline || r.x.Body.Done() || u.repeatable(r) {
		t.Error("one more is held")
	}
	u.end(all[0])
	if r := held(); !r.inline {
		t.Error("there is no place although one has ended")
	}
}
