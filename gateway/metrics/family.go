package metrics

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	vm "github.com/VictoriaMetrics/metrics"
)

// family is the counters of one name that differ in one label. A counter is
// registered when it is first asked for; asking again takes no lock and
// allocates nothing, for attacks meet exactly these counters.
type family struct {
	set         *vm.Set
	name, label string

	mu    sync.Mutex // held while a counter is added
	known atomic.Pointer[map[string]*Counter]
}

// counter returns the counter for value, always the same one.
func (f *family) counter(value string) *Counter {
	if known := f.known.Load(); known != nil {
		if c := (*known)[value]; c != nil {
			return c
		}
	}
	return f.add(value)
}

// add registers a counter, unless another goroutine just did.
func (f *family) add(value string) *Counter {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := map[string]*Counter{}
	if known := f.known.Load(); known != nil {
		next = maps.Clone(*known)
	}
	if c := next[value]; c != nil {
		return c
	}
	value = strings.Clone(value) // it may be borrowed
	c := f.set.GetOrCreateCounter(f.name + "{" + f.label + `="` + escape(value) + `"}`)
	next[value] = c
	f.known.Store(&next)
	return c
}

// escape writes a label's value as the text format wants it.
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}
