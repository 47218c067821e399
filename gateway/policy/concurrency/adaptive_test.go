//go:build !race

// One goroutine counts time and draws lots here; the race detector has nothing to
// find, and needs minutes for it.

package concurrency

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"postern/provisioning/config"
)

func learned() *Limiter {
	return New(&config.Concurrency{Max: 1000, Adaptive: &config.Adaptive{Word: config.AdaptiveOn}})
}

// service is an upstream that works on some requests at once and lets the others
// wait, in a time that is only counted.
type service struct {
	workers int
	takes   func(*rand.Rand) time.Duration
	random  *rand.Rand
}

// event is something that happens: a request comes (finish nil), or one is done.
type event struct {
	at   time.Time
	came time.Time // of one that is done
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// outcome is what came of a run.
type outcome struct {
	took             []time.Duration // of requests that were let in, after the first seconds
	refused          int
	answered, served float64 // a second; served is what the service could have done
	limit            int64
}

func (o *outcome) quantile(part float64) time.Duration {
	slices.Sort(o.took)
	return o.took[int(part*float64(len(o.took)-1))]
}

// run has load times as many requests come as the service can do, for a while.
func (s *service) run(l *Limiter, load float64, from time.Time, lasts time.Duration) (o outcome) {
	mean := time.Duration(0)
	for range 1000 {
		mean += s.takes(s.random) / 1000
	}
	gap := float64(mean) / float64(s.workers) / load
	var ahead events
	free := make([]time.Time, s.workers) // when each worker is done with what it has
	heap.Push(&ahead, event{at: from})
	for len(ahead) > 0 {
		e := heap.Pop(&ahead).(event)
		late := e.at.Sub(from) > lasts/5
		if !e.came.IsZero() {
			if l != nil {
				l.adaptive.note(e.at, e.at.Sub(e.came))
				l.places.leave()
			}
			if late {
				o.took = append(o.took, e.at.Sub(e.came))
			}
			continue
		}
		if next := e.at.Add(time.Duration(s.random.ExpFloat64() * gap)); next.Sub(from) < lasts {
			heap.Push(&ahead, event{at: next})
		}
		if l != nil && !l.places.try() {
			l.adaptive.refused.Store(true)
			o.refused++
			continue
		}
		worker := 0
		for i := range free {
			if free[i].Before(free[worker]) {
				worker = i
			}
		}
		begins := e.at
		if free[worker].After(begins) {
			begins = free[worker]
		}
		free[worker] = begins.Add(s.takes(s.random))
		heap.Push(&ahead, event{at: free[worker], came: e.at})
	}
	o.answered, o.served = float64(len(o.took))/(lasts-lasts/5).Seconds(), float64(s.workers)/mean.Seconds()
	if l != nil {
		o.limit = l.Limit()
	}
	return o
}

// steady takes 10 ms, more or less; scattered is exponential.
func steady(r *rand.Rand) time.Duration    { return 9*time.Millisecond + time.Duration(r.Int64N(2e6)) }
func scattered(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * 10e6) }
func twoKinds(r *rand.Rand) time.Duration {
	if r.IntN(10) == 0 {
		return 40*time.Millisecond + time.Duration(r.Int64N(8e6))
	}
	return 4*time.Millisecond + time.Duration(r.Int64N(2e6))
}

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// With three times as many requests as the service can do, those that are let in
// take at most twice as long as without load, and the service is not left idle.
func TestOverload(t *testing.T) {
	for _, tt := range []struct {
		name    string
		workers int
		takes   func(*rand.Rand) time.Duration
	}{
		{"1 worker", 1, steady},
		{"4 workers", 4, steady},
		{"8 workers, scattered", 8, scattered},
		{"8 workers, two kinds", 8, twoKinds},
		{"64 workers", 64, steady},
		{"64 workers, scattered", 64, scattered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &service{tt.workers, tt.takes, rand.New(rand.NewPCG(1, 2))}
			calm := s.run(nil, 0.3, begin, 20*time.Second)
			l := learned()
			o := s.run(l, 3, begin, 40*time.Second)
			p99, want := o.quantile(0.99), calm.quantile(0.99)
			t.Logf("p99 %v, without load %v: %.2f times; %.0f of %.0f a second, limit %d", p99, want, float64(p99)/float64(want), o.answered, o.served, o.limit)
			if p99 > 2*want {
				t.Errorf("p99 %v, without load %v", p99, want)
			}
			if o.answered < 0.8*o.served {
				t.Errorf("%.0f answers a second of %.0f", o.answered, o.served)
			}
		})
	}
}

// With less than the service can do nobody is refused, once the limit has grown
// to what is needed.
func TestNoOverload(t *testing.T) {
	s := &service{64, scattered, rand.New(rand.NewPCG(1, 2))}
	l := learned()
	s.run(l, 0.6, begin, 10*time.Second)
	if o := s.run(l, 0.6, begin.Add(20*time.Second), 20*time.Second); o.refused > len(o.took)/100 {
		t.Errorf("%d refused of %d, limit %d", o.refused, o.refused+len(o.took), o.limit)
	}
}

// A service that has become slower, or faster, is not mistaken for one with too
// much to do for long.
func TestChangedService(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after func(*rand.Rand) time.Duration
	}{
		{"slower", steady, func(r *rand.Rand) time.Duration { return 4 * steady(r) }},
		{"faster", func(r *rand.Rand) time.Duration { return 4 * steady(r) }, steady},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, l := &service{32, tt.before, rand.New(rand.NewPCG(1, 2))}, learned()
			s.run(l, 3, begin, 20*time.Second)
			s.takes = tt.after
			o := s.run(l, 3, begin.Add(30*time.Second), 60*time.Second)
			if o.answered < 0.7*o.served {
				t.Errorf("%.0f answers a second of %.0f, limit %d", o.answered, o.served, o.limit)
			}
		})
	}
}

// A stated target is kept on average.
func TestTarget(t *testing.T) {
	s := &service{8, steady, rand.New(rand.NewPCG(1, 2))}
	l := New(&config.Concurrency{Max: 1000, Adaptive: &config.Adaptive{Target: config.Duration(50 * time.Millisecond)}})
	o := s.run(l, 3, begin, 40*time.Second)
	mean := time.Duration(0)
	for _, took := range o.took {
		mean += took / time.Duration(len(o.took))
	}
	if mean < 30*time.Millisecond || mean > 60*time.Millisecond {
		t.Errorf("requests take %v on average, limit %d", mean, o.limit)
	}
}

// The limit never passes max, and never falls below one.
func TestLimitIsBounded(t *testing.T) {
	for _, target := range []time.Duration{time.Microsecond, time.Hour} {
		l := New(&config.Concurrency{Max: 30, Adaptive: &config.Adaptive{Target: config.Duration(target)}})
		s := &service{8, steady, rand.New(rand.NewPCG(1, 2))}
		if s.run(l, 3, begin, 20*time.Second); l.Limit() != map[time.Duration]int64{time.Microsecond: 1, time.Hour: 30}[target] {
			t.Errorf("target %v: limit %d", target, l.Limit())
		}
	}
}
