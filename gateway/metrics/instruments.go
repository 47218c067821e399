package metrics

import (
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	vm "github.com/VictoriaMetrics/metrics"
)

// Counter only goes up. It is updated by atomic additions.
type Counter = vm.Counter

// Sources are what other rooms know; they are asked at each scrape and must be
// safe for concurrent use. A nil function leaves its series out.
type Sources struct {
	InFlight    func() int64 // exchanges that run
	Connections func() int64 // connections of callers that are open
	TokenCache  func() TokenCache
	Reload      func() Reload
}

// TokenCache is how the verified-token cache fares. Hits and misses only grow.
type TokenCache struct {
	Hits    uint64 `json:"hits"`
	Misses  uint64 `json:"misses"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}

// Reload is how bringing configurations to the gateway fares.
type Reload struct {
	Success     bool      // the last attempt
	LastSuccess time.Time // zero: none yet
	Hash        string    // of the running configuration; "": none
	Applied     uint64    // attempts that succeeded
	Refused     uint64    // attempts that did not
}

// Instruments is everything that one gateway counts. It outlives its
// generations and is safe for concurrent use.
type Instruments struct {
	sources  Sources
	set      *vm.Set
	problems family
	tokens   family

	mu   sync.Mutex
	apis map[string]*API
}

// New makes the instruments of a gateway; all of them are at zero.
func New(sources Sources) *Instruments {
	// The switch is the library's and is never turned off again. With types,
	// collectors that do not guess from the name know a counter when they see one.
	vm.ExposeMetadata(true)
	set := vm.NewSet()
	i := &Instruments{
		sources:  sources,
		set:      set,
		problems: family{set: set, name: "postern_problems_total", label: "code"},
		tokens:   family{set: set, name: "postern_tokens_total", label: "outcome"},
		apis:     map[string]*API{},
	}
	set.RegisterMetricsWriter(i.writeAPIs)
	set.RegisterMetricsWriter(i.writeSources)
	return i
}

// API returns the instruments of an API; the same name gives the same ones, so
// that they survive a reload. The empty name is for what no API took.
func (i *Instruments) API(name string) *API {
	i.mu.Lock()
	defer i.mu.Unlock()
	a := i.apis[name]
	if a == nil {
		a = new(API)
		i.apis[name] = a
	}
	return a
}

// Retain forgets the instruments of every API that keep does not hold, so that
// names that come and go with reloads do not pile up. The empty name stays.
// What still counts with forgotten instruments does no harm.
func (i *Instruments) Retain(keep map[string]bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	maps.DeleteFunc(i.apis, func(name string, _ *API) bool { return name != "" && !keep[name] })
}

// Problem counts the problems with a code of problem's table.
func (i *Instruments) Problem(code string) *Counter { return i.problems.counter(code) }

// Token counts the tokens that were judged with an outcome: accepted, or the
// reason why not, in the words of a fixed table.
func (i *Instruments) Token(outcome string) *Counter { return i.tokens.counter(outcome) }

// Write writes all instruments and what Go and the system say of the process.
func (i *Instruments) Write(w io.Writer) {
	i.set.WritePrometheus(w)
	vm.WriteProcessMetrics(w)
}

// served lists the APIs that have answered something, by name.
func (i *Instruments) served() ([]string, map[string]*API) {
	i.mu.Lock()
	apis := maps.Clone(i.apis)
	i.mu.Unlock()
	maps.DeleteFunc(apis, func(_ string, a *API) bool { return a.took.count() == 0 })
	return slices.Sorted(maps.Keys(apis)), apis
}

// writeAPIs writes the series of the APIs, one family after the other.
func (i *Instruments) writeAPIs(w io.Writer) {
	names, apis := i.served()
	labels := make([]string, len(names))
	for n, name := range names {
		labels[n] = `api="` + escape(name) + `"`
	}
	for _, family := range []struct {
		name, kind string
		append     func(a *API, dst []byte, label string) []byte
	}{
		{"postern_requests_total", "counter", (*API).appendRequests},
		{"postern_upstream_attempts_total", "counter", (*API).appendAttempts},
		{"postern_request_duration_seconds", "histogram", (*API).appendDuration},
		{"postern_upstream_duration_seconds", "histogram", (*API).appendUpstream},
	} {
		vm.WriteMetadataIfNeeded(w, family.name, family.kind)
		var lines []byte
		for n, name := range names {
			lines = family.append(apis[name], lines, labels[n])
		}
		// A scraper that has gone away is not this gateway's trouble.
		_, _ = w.Write(lines)
	}
}
