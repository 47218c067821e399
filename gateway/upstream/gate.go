package upstream

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// gate bounds how many exchanges an upstream has at once; a few more may wait,
// first come first served.
type gate struct {
	slots   *semaphore.Weighted
	size    int64 // how many may wait
	wait    time.Duration
	waiting atomic.Int64
}

func newGate(cfg *config.Upstream) *gate {
	if cfg.MaxPending == 0 {
		return nil
	}
	g := &gate{slots: semaphore.NewWeighted(int64(cfg.MaxPending))}
	if q := cfg.Queue; q != nil {
		g.size, g.wait = int64(q.Size), q.Wait.Limit()
	}
	return g
}

// enter lets x in, or makes it wait for its turn.
func (g *gate) enter(x *exchange.Exchange) error {
	if g.slots.TryAcquire(1) {
		return nil
	}
	if g.size == 0 {
		return problem.Overloaded.Because(errPending)
	}
	if g.waiting.Add(1) > g.size {
		g.waiting.Add(-1)
		return problem.Overloaded.Because(errQueue)
	}
	defer g.waiting.Add(-1)
	end := time.Now().Add(g.wait)
	if !x.Deadline.IsZero() && x.Deadline.Before(end) {
		end = x.Deadline
	}
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	if g.slots.Acquire(ctx, 1) != nil {
		return problem.Overloaded.Because(errWaited)
	}
	if x.Conn.Gone() {
		g.leave() // a target that has too much to do need not work for nobody
		return problem.CallerGone.Because(wire.ErrGone)
	}
	return nil
}

func (g *gate) leave() { g.slots.Release(1) }
