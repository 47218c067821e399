package introspect

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// maxQueue is how long a verification may wait for its turn, and queueFactor
// how many may wait for each that runs.
const (
	maxQueue    = 100 * time.Millisecond
	queueFactor = 64
)

// gate lets so many verifications run at once, so that a flood of bad tokens
// leaves processors to callers whose tokens are cached.
type gate struct {
	running  chan struct{}
	waiting  atomic.Int64
	patience time.Duration // how long one may wait for its turn
}

func newGate(verifications int) *gate {
	if verifications < 1 {
		verifications = 4 * runtime.GOMAXPROCS(0)
	}
	return newGateOf(verifications, maxQueue)
}

func newGateOf(running int, patience time.Duration) *gate {
	return &gate{running: make(chan struct{}, running), patience: patience}
}

// enter takes a turn; leave gives it back.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.running <- struct{}{}:
		return nil
	default:
	}
	if g.waiting.Add(1) > int64(queueFactor*cap(g.running)) {
		g.waiting.Add(-1)
		return fmt.Errorf("%w: %d running, queue full", ErrBusy, cap(g.running))
	}
	defer g.waiting.Add(-1)
	timer := time.NewTimer(g.patience)
	defer timer.Stop()
	select {
	case g.running <- struct{}{}:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: no turn within %s", ErrBusy, g.patience)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, context.Cause(ctx))
	}
}

func (g *gate) leave() { <-g.running }
