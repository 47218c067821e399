package metrics

import (
	"io"
	"maps"
	"slices"
	"sync"

	vm "github.com/VictoriaMetrics/metrics"
)

// Counter only goes up. It is updated by atomic additions.
type Counter = vm.Counter

// Instruments is everything that one gateway counts. It outlives its
// generations and is safe for concurrent use.
type Instruments struct {
	sources   Sources
	log       accessLog
	tracing   tracing
	store     Store
	problems  words
	tokens    words
	hosts     words
	ways      pairs
	validated pairs
	callers   callers
	passwords words
	masked    words
	coded     compression

	mu   sync.Mutex
	apis map[string]*API
}

// New makes the instruments of a gateway; all of them are at zero.
func New(sources Sources) *Instruments {
	// The switch is the library's and is never turned off again. With types,
	// collectors that do not guess from the name know a counter when they see one.
	vm.ExposeMetadata(true)
	return &Instruments{
		sources: sources,
		problems: words{
			family: family{"postern_problems_total", "counter", "Problems that callers were told, by their code."},
			label:  "code",
		},
		tokens: words{
			family: family{"postern_tokens_total", "counter", "Tokens that were judged: accepted, or the reason why not."},
			label:  "outcome",
		},
		hosts: words{
			family: family{"postern_hostname_lookups_total", "counter", "Host names of addresses that were asked for."},
			label:  "outcome",
		},
		passwords: words{
			family: family{"postern_passwords_total", "counter", "Passwords that were judged: accepted or cached, or the reason why not."},
			label:  "outcome",
		},
		masked: words{
			family: family{"postern_masked_values_total", "counter", "Values in bodies that were hidden, by whose body it was, or log."},
			label:  "message",
		},
		apis:      map[string]*API{},
		callers:   newCallers(),
		ways:      newWays(),
		validated: newValidations(),
		coded:     newCompression(),
	}
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

// Credential counts what was found or refused by a way that is not by token, in
// the words of a fixed table.
func (i *Instruments) Credential(way, outcome string) *Counter { return i.ways.of(way, outcome) }

// Password counts the passwords that were judged with an outcome: accepted,
// cached when it was right a while ago, or the reason why not.
func (i *Instruments) Password(outcome string) *Counter { return i.passwords.counter(outcome) }

// Validation counts the faults of requests or responses in one part of them: both
// are words of a fixed table.
func (i *Instruments) Validation(message, part string) *Counter { return i.validated.of(message, part) }

// Masked counts the values that were hidden in bodies: of requests, responses,
// faults, or in the log.
func (i *Instruments) Masked(message string) *Counter { return i.masked.counter(message) }

// Write writes all instruments and what Go and the system say of the process.
func (i *Instruments) Write(w io.Writer) {
	p := &page{w: w, lines: make([]byte, 0, flushSize+4<<10)}
	i.problems.write(p)
	i.tokens.write(p)
	i.ways.write(p)
	i.passwords.write(p)
	i.validated.write(p)
	i.masked.write(p)
	i.coded.write(p)
	i.callers.write(p)
	i.hosts.write(p)
	i.writeAPIs(p)
	i.log.write(p)
	i.tracing.write(p)
	i.store.write(p, i.sources.Store)
	i.sources.write(p)
	p.flush()
	vm.WriteProcessMetrics(w)
	vm.WriteFDMetrics(w)
}

// served lists the APIs that have answered something, by name.
func (i *Instruments) served() ([]string, map[string]*API) {
	i.mu.Lock()
	apis := maps.Clone(i.apis)
	i.mu.Unlock()
	maps.DeleteFunc(apis, func(_ string, a *API) bool { return a.took.count() == 0 && a.Tunnels.begun.Get() == 0 })
	return slices.Sorted(maps.Keys(apis)), apis
}

// writeAPIs writes the series of the APIs, one family after the other.
func (i *Instruments) writeAPIs(p *page) {
	names, apis := i.served()
	var upstreams map[string]Upstream
	if i.sources.Upstreams != nil {
		upstreams = i.sources.Upstreams()
	}
	writeTargets(p, apis, upstreams)
	if len(names) == 0 {
		return
	}
	labels := make([]string, len(names))
	for n, name := range names {
		labels[n] = label("api", name)
	}
	for _, f := range familiesOfAPI() {
		p.begin(f.family)
		for n, name := range names {
			f.write(p, f.family, apis[name], labels[n])
		}
	}
	if upstreams != nil {
		writeUpstreams(p, names, labels, upstreams)
	}
	writeTunnels(p, names, apis)
}

// writeUpstreams writes how the APIs' upstreams stand.
func writeUpstreams(p *page, names, labels []string, upstreams map[string]Upstream) {
	open := family{"postern_upstream_connections_open", "gauge", "Connections to the upstream, idle ones included."}
	p.begin(open)
	for n, name := range names {
		p.value(open, labels[n], float64(upstreams[name].Open))
	}
	idle := family{"postern_upstream_connections_idle", "gauge", "Connections to the upstream that wait for a request."}
	p.begin(idle)
	for n, name := range names {
		p.value(idle, labels[n], float64(upstreams[name].Idle))
	}
}
