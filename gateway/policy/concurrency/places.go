package concurrency

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// places are how many requests may be under way; a few more may wait for one,
// first come first served. As long as none waits nothing is locked.
type places struct {
	limit   atomic.Int64 // may change
	pending atomic.Int64
	waiting atomic.Int64
	size    int64 // how many may wait
	wait    time.Duration

	mu    sync.Mutex
	queue list.List // of chan struct{}, which is closed when its request may go on
}

// try takes a place if there is one, and nobody waits for it.
func (p *places) try() bool { return p.waiting.Load() == 0 && p.take() }

func (p *places) take() bool {
	for {
		n := p.pending.Load()
		if n >= p.limit.Load() {
			return false
		}
		if p.pending.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave gives a place back.
func (p *places) leave() {
	p.pending.Add(-1)
	if p.waiting.Load() > 0 {
		p.mu.Lock()
		p.call()
		p.mu.Unlock()
	}
}

// call gives places to those who wait; mu is held.
func (p *places) call() {
	for first := p.queue.Front(); first != nil && p.take(); first = p.queue.Front() {
		close(p.remove(first))
	}
}

func (p *places) remove(e *list.Element) chan struct{} {
	p.waiting.Add(-1)
	return p.queue.Remove(e).(chan struct{})
}

// await takes a place as soon as there is one, at the latest at end.
func (p *places) await(end time.Time) error {
	if p.size == 0 {
		return errFull
	}
	mine := make(chan struct{})
	p.mu.Lock()
	if p.waiting.Load() >= p.size {
		p.mu.Unlock()
		return errQueue
	}
	p.waiting.Add(1)
	place := p.queue.PushBack(mine)
	p.call() // a place that was given back before this one was seen to wait
	p.mu.Unlock()
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	select {
	case <-mine:
		return nil
	case <-timer.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-mine:
		return nil // at the last moment
	default:
		p.remove(place)
		return errTooLong
	}
}
