package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// words are the counters of a family that differ in one label, whose values are
// the words of a fixed table. A counter appears when it is first asked for;
// asking again takes no lock and allocates nothing, for attacks meet exactly
// these counters.
type words struct {
	family
	label string

	mu    sync.Mutex // held while a counter is added
	known atomic.Pointer[map[string]*Counter]
}

// counter returns the counter for value, always the same one.
func (w *words) counter(value string) *Counter {
	if known := w.known.Load(); known != nil {
		if c := (*known)[value]; c != nil {
			return c
		}
	}
	return w.add(value)
}

// add makes a counter, unless another goroutine just did.
func (w *words) add(value string) *Counter {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := map[string]*Counter{}
	if known := w.known.Load(); known != nil {
		next = maps.Clone(*known)
	}
	if c := next[value]; c != nil {
		return c
	}
	c := new(Counter)
	next[strings.Clone(value)] = c // it may be borrowed
	w.known.Store(&next)
	return c
}

// counts are the counters by their label's value.
func (w *words) counts() map[string]uint64 {
	counts := map[string]uint64{}
	if known := w.known.Load(); known != nil {
		for value, c := range *known {
			counts[value] = c.Get()
		}
	}
	return counts
}

func (w *words) write(p *page) {
	counts := w.counts()
	if len(counts) == 0 {
		return
	}
	p.begin(w.family)
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		p.count(w.family, label(w.label, value), counts[value])
	}
}
