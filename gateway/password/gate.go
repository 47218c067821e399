package password

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// queueFactor is how many may wait for each that computes.
const queueFactor = 16

// gate lets a few slow hashes be computed at once, and a few more wait.
type gate struct {
	turns    *semaphore.Weighted
	waiting  atomic.Int64
	most     int64
	patience time.Duration
}

func newGate(verifications int, patience time.Duration) *gate {
	return &gate{turns: semaphore.NewWeighted(int64(verifications)), most: int64(queueFactor * verifications), patience: patience}
}

// enter takes a turn, which leave gives back, or reports that there is none.
func (g *gate) enter() bool {
	if g.turns.TryAcquire(1) {
		return true
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.most {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.patience)
	defer cancel()
	return g.turns.Acquire(ctx, 1) == nil
}

func (g *gate) leave() { g.turns.Release(1) }
