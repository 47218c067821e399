package upstream

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/problem"
	"postern/provisioning/config"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&config.Upstream{MaxPending: 2, Queue: &config.Queue{Size: 2, Wait: config.Duration(time.Second)}})
		var in, out atomic.Int32
		enter := func() {
			switch err := g.enter(asked()); {
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
