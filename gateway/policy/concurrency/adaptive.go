package concurrency

import (
	"sync"
	"sync/atomic"
	"time"
)

// adaptive moves a limit so that requests take about as long as they take when
// the upstream has little to do: more of them at once would only wait there. It
// looks at windows of time. After one in which the limit was reached it is raised
// if requests were fast enough on average, and lowered in proportion if not. How
// long they take with little to do is learned while they are few, and now and
// then by lowering the limit until they become no faster.
type adaptive struct {
	places  *places
	most    int64
	target  time.Duration // how long they may take; 0: learned
	count   atomic.Int64  // of requests in this window
	took    atomic.Int64  // by all of them, in nanoseconds
	busiest atomic.Int64  // requests at once
	refused atomic.Bool
	since   atomic.Int64 // when the limit was changed, Unix nanoseconds
	closes  atomic.Int64 // when the window ends

	mu    sync.Mutex    // held by who closes a window
	calm  time.Duration // how long they take with little to do; 0: not known
	good  int64         // the last limit with which they were fast enough
	slow  bool          // they have been too slow once
	probe probe
}

// probe is an attempt to learn how long requests take with little to do.
type probe struct {
	active bool
	before int64         // the limit before
	first  time.Duration // how long they took then
	best   time.Duration // and with the last limit
	next   time.Time     // when another one is due
}

const (
	window  = 100 * time.Millisecond
	samples = 100              // that a window has at least: an average of fewer says little
	slack   = 1.25             // times calm is fast enough
	least   = time.Millisecond // is added: what networks and schedulers do
	better  = 0.87             // times as long is worth a lower limit still
	initial = 20               // the limit to begin with
	every   = 30 * time.Second // between probes while the limit is reached
)

func newAdaptive(p *places, most int64, target time.Duration) *adaptive {
	p.limit.Store(min(initial, most))
	return &adaptive{places: p, most: most, target: target}
}

// note takes in that a request took so long, at now. One that began before the
// limit was changed says nothing of it.
func (a *adaptive) note(now time.Time, took time.Duration) {
	if now.UnixNano()-int64(took) < a.since.Load() {
		return
	}
	pending := a.places.pending.Load()
	for busiest := a.busiest.Load(); pending > busiest && !a.busiest.CompareAndSwap(busiest, pending); {
		busiest = a.busiest.Load()
	}
	a.took.Add(int64(took))
	if a.count.Add(1) < samples || now.UnixNano() < a.closes.Load() || !a.mu.TryLock() {
		return
	}
	defer a.mu.Unlock()
	if count := a.count.Swap(0); count >= samples {
		a.close(now, time.Duration(a.took.Swap(0)/count))
	}
}

// close ends a window in which requests took so long on average; mu is held.
func (a *adaptive) close(now time.Time, took time.Duration) {
	limit, busiest := a.places.limit.Load(), a.busiest.Swap(0)
	reached := a.refused.Swap(false) || busiest >= limit
	next := limit
	switch {
	case a.probe.active:
		next = a.deepen(now, took, limit)
	case !reached:
		next = a.rest(took, limit, busiest)
	case a.target == 0 && a.doubts(now, took, limit):
		a.probe = probe{active: true, before: limit, first: took, best: took}
		next = limit / 2
	default:
		next = a.follow(took, limit)
	}
	if next = min(max(next, 1), a.most); next != limit {
		a.since.Store(now.UnixNano())
		a.places.move(next)
	}
	a.closes.Store(now.Add(window).UnixNano())
}

// doubts reports whether it must be learned anew how long requests take.
func (a *adaptive) doubts(now time.Time, took time.Duration, limit int64) bool {
	return a.calm == 0 || now.After(a.probe.next) || took > a.enough() && limit <= max(a.good/4, 1) && limit < a.good
}

// enough is how long requests may take on average.
func (a *adaptive) enough() time.Duration {
	if a.target > 0 {
		return a.target
	}
	return time.Duration(float64(a.calm)*slack) + least
}

// follow is the next limit after a window in which it was reached. As long as
// they have never been too slow it grows fast.
func (a *adaptive) follow(took time.Duration, limit int64) int64 {
	enough := a.enough()
	if took > enough {
		a.slow = true
		part := max(float64(enough)/float64(took), 0.5)
		return min(int64(float64(limit)*part), limit-1)
	}
	a.good = limit
	if !a.slow {
		return limit + limit/2
	}
	return limit + max(limit/10, 1)
}

// rest is the next limit after a window in which it was not reached. It stays
// near to what is needed, so that it is reached soon when something goes wrong.
func (a *adaptive) rest(took time.Duration, limit, busiest int64) int64 {
	if busiest <= limit/2 {
		if a.calm == 0 {
			a.calm = took
		}
		a.calm += (took - a.calm) / 8
	}
	return min(limit, max(2*busiest, initial))
}

// deepen goes on with a probe, or ends it: requests have become no faster, so
// that is how long they take.
func (a *adaptive) deepen(now time.Time, took time.Duration, limit int64) int64 {
	p := &a.probe
	if float64(took) < better*float64(p.best) && limit > 1 {
		p.best = took
		return limit / 2
	}
	a.calm = min((took+p.best)/2, took)
	a.good = 2 * limit
	if p.first <= a.enough() {
		a.good = p.before
	}
	p.active, p.next = false, now.Add(every)
	return a.good
}

// move changes the limit, and lets in who may come in now.
func (p *places) move(limit int64) {
	p.limit.Store(limit)
	if p.waiting.Load() > 0 {
		p.mu.Lock()
		p.call()
		p.mu.Unlock()
	}
}
