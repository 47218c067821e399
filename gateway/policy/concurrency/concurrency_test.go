package concurrency_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/policy/concurrency"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// upstream is one that answers when the test says so.
type upstream struct{ asked, answer chan struct{} }

func (u upstream) serve(x *exchange.Exchange) error {
	u.asked <- struct{}{}
	<-u.answer
	x.Answer.Status = 200
	return nil
}

func outcome(err error, x *exchange.Exchange) string {
	var p *problem.Problem
	switch {
	case err == nil && x.Answer.Status != 0:
		return "answered"
	case errors.As(err, &p) && p.Is(problem.Overloaded) && p.RetryAfter > 0:
		return p.Cause.Error()
	}
	return "?"
}

const full, queueFull, tooLong = "as many requests as concurrency allows are under way", "as many requests as concurrency.queue allows wait", "waited for concurrency.queue.wait"

// Requests beyond the bound wait in turn, are refused when there is no room to
// wait, and when they have waited for too long.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := upstream{make(chan struct{}, 9), make(chan struct{}, 9)}
		l := concurrency.New(&config.Concurrency{Max: 1, Queue: &config.Queue{Size: 2, Wait: config.Duration(time.Second)}})
		handler := l.Policy(u.serve)
		outcomes := make(chan string, 9)
		send := func(name string) {
			go func() {
				x := new(exchange.Exchange)
				err := handler(x)
				outcomes <- name + ": " + outcome(err, x)
				x.Finish(exchange.End{})
			}()
			synctest.Wait()
		}
		want := func(text string) {
			t.Helper()
			if got := <-outcomes; got != text {
				t.Errorf("%q, want %q", got, text)
			}
		}
		send("first")
		send("second")
		time.Sleep(500 * time.Millisecond)
		send("third")
		if l.Limit() != 1 || l.Pending() != 1 || l.Waiting() != 2 {
			t.Errorf("limit %d, pending %d, waiting %d", l.Limit(), l.Pending(), l.Waiting())
		}
		send("fourth")
		want("fourth: " + queueFull)
		u.answer <- struct{}{}
		want("first: answered")
		synctest.Wait()
		time.Sleep(1100 * time.Millisecond) // the second has the place and keeps it
		want("third: " + tooLong)
		u.answer <- struct{}{}
		want("second: answered")
		send("fifth")
		u.answer <- struct{}{}
		want("fifth: answered")
		synctest.Wait()
		if l.Pending() != 0 || l.Waiting() != 0 {
			t.Errorf("pending %d, waiting %d", l.Pending(), l.Waiting())
		}
	})
}

// The deadline of an exchange is not waited past.
func TestQueueEndsWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := upstream{make(chan struct{}, 9), make(chan struct{}, 9)}
		handler := concurrency.New(&config.Concurrency{Max: 1, Queue: &config.Queue{Size: 2, Wait: config.Duration(time.Hour)}}).Policy(u.serve)
		go func() { _ = handler(new(exchange.Exchange)) }()
		<-u.asked
		begun := time.Now()
		x := &exchange.Exchange{Deadline: begun.Add(time.Minute)}
		if got := outcome(handler(x), x); got != tooLong || time.Since(begun) != time.Minute {
			t.Errorf("%q after %v", got, time.Since(begun))
		}
		u.answer <- struct{}{}
	})
}

// A place is given back once, whatever becomes of a request.
func TestPlaces(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name   string
		serve  exchange.Handler
		during int64 // places that are taken when the head is there
	}{
		{"answer", func(x *exchange.Exchange) error { x.Answer.Status = 200; return nil }, 1},
		{"failure", func(*exchange.Exchange) error { return broken }, 0},
		{"answer that has become a failure", func(x *exchange.Exchange) error { x.Answer.Status = 500; return broken }, 0},
		{"the gateway's own answer", func(*exchange.Exchange) error { return nil }, 0},
		{"tunnel", func(x *exchange.Exchange) error {
			x.Answer.Status, x.Answer.Tunnel = 101, func(*wire.Readers) exchange.Tunnelled { return exchange.Tunnelled{} }
			return nil
		}, 0},
		{"panic", func(*exchange.Exchange) error { panic(broken) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := concurrency.New(&config.Concurrency{Max: 1})
			x := new(exchange.Exchange)
			func() {
				defer func() { _ = recover() }()
				_ = l.Policy(func(x *exchange.Exchange) error {
					other := new(exchange.Exchange)
					if got := outcome(l.Policy(tt.serve)(other), other); got != full {
						t.Errorf("another one: %q", got)
					}
					return tt.serve(x)
				})(x)
			}()
			if l.Pending() != tt.during {
				t.Errorf("%d places are taken, want %d", l.Pending(), tt.during)
			}
			x.Finish(exchange.End{})
			if l.Pending() != 0 {
				t.Errorf("%d places are taken at the end", l.Pending())
			}
		})
	}
}

// Among many callers the bound holds, nobody is forgotten, and all places come
// back.
func TestManyAtOnce(t *testing.T) {
	const callers, rounds, most = 32, 300, 4
	l := concurrency.New(&config.Concurrency{Max: most, Queue: &config.Queue{Size: callers, Wait: config.Duration(time.Minute)}})
	var now, passed atomic.Int64
	handler := l.Policy(func(x *exchange.Exchange) error {
		if now.Add(1) > most {
			t.Error("there are more than may be")
		}
		x.Answer.Status = 200
		return nil
	})
	var ended sync.WaitGroup
	for range callers {
		ended.Go(func() {
			x := new(exchange.Exchange)
			for range rounds {
				x.Reset()
				if handler(x) == nil {
					passed.Add(1)
				}
				now.Add(-1)
				x.Finish(exchange.End{})
			}
		})
	}
	ended.Wait()
	if passed.Load() != callers*rounds || l.Pending() != 0 || l.Waiting() != 0 {
		t.Errorf("%d of %d passed, pending %d, waiting %d", passed.Load(), callers*rounds, l.Pending(), l.Waiting())
	}
}

// benches are a bound that stays and one that moves.
func benches() map[string]func() {
	all := map[string]func(){}
	for name, cfg := range map[string]*config.Concurrency{
		"max":      {Max: 10, Queue: &config.Queue{Size: 10, Wait: config.Duration(time.Second)}},
		"adaptive": {Max: 10, Adaptive: &config.Adaptive{Word: config.AdaptiveOn}},
	} {
		x := new(exchange.Exchange)
		handler := concurrency.New(cfg).Policy(func(x *exchange.Exchange) error {
			x.Answer.Status, x.AnswerTime = 200, time.Millisecond
			return nil
		})
		all[name] = func() {
			_ = handler(x)
			x.Finish(exchange.End{})
		}
	}
	return all
}

func BenchmarkConcurrency(b *testing.B) {
	for name, serve := range benches() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
