package metrics

import (
	"maps"
	"slices"
	"time"
)

// Upstream is how the connections and the targets of an API's upstream stand.
type Upstream struct {
	Open, Idle int64 // connections, those of replaced generations too
	Targets    []Target
}

// Target is how one of them stands.
type Target struct {
	Rule      string    `json:"rule,omitempty"` // whose upstream it belongs to; "": the API's own
	URL       string    `json:"url"`            // scheme, host, port and path
	Weight    int       `json:"weight"`
	State     string    `json:"state"`                  // healthy, unhealthy or ejected
	Until     time.Time `json:"until,omitzero"`         // of an ejected one
	Why       string    `json:"why,omitempty"`          // it is not healthy
	Circuit   string    `json:"circuit,omitempty"`      // closed, open or half-open; "": it has none
	Tried     time.Time `json:"circuit_until,omitzero"` // when an open circuit is tried
	Addresses []string  `json:"addresses,omitempty"`    // of its name, once it was looked up
	Open      int64     `json:"connections"`            // idle ones included
	Idle      int64     `json:"idle"`
	Pending   int64     `json:"pending"` // requests
	Attempts  uint64    `json:"attempts"`
	Failures  uint64    `json:"failures"` // those that failed or had 502, 503 or 504 for an answer, and connections that could not be opened
	Ejections uint64    `json:"ejections"`
	Watched   bool      `json:"-"` // health checks ask it
}

// The words of Target.State.
const (
	Healthy   = "healthy"
	Unhealthy = "unhealthy"
	Ejected   = "ejected"
)

// ofTarget is a family that every target has a sample of.
type ofTarget struct {
	family
	value func(t *Target) float64
}

func familiesOfTarget() []ofTarget {
	return []ofTarget{
		{family{"postern_upstream_target_healthy", "gauge", "0 when checks say that the target is not well."}, func(t *Target) float64 { return boolean(t.State != Unhealthy) }},
		{family{"postern_upstream_target_ejected", "gauge", "1 while the target is left out because requests have failed."}, func(t *Target) float64 { return boolean(t.State == Ejected) }},
		{family{"postern_upstream_target_circuit_open", "gauge", "1 while the target's circuit is open."}, func(t *Target) float64 { return boolean(t.Circuit == "open") }},
		{family{"postern_upstream_target_connections_open", "gauge", "Connections to the target, idle ones included."}, func(t *Target) float64 { return float64(t.Open) }},
		{family{"postern_upstream_target_pending", "gauge", "Requests that the target works on."}, func(t *Target) float64 { return float64(t.Pending) }},
		{family{"postern_upstream_target_attempts_total", "counter", "Requests sent to the target."}, func(t *Target) float64 { return float64(t.Attempts) }},
		{family{"postern_upstream_target_failures_total", "counter", "Requests that failed or had 502, 503 or 504 for an answer, and connections that could not be opened for one."}, func(t *Target) float64 { return float64(t.Failures) }},
		{family{"postern_upstream_target_ejections_total", "counter", "How often the target was left out."}, func(t *Target) float64 { return float64(t.Ejections) }},
	}
}

// labels tell the target from all others of an API.
func (t *Target) labels(api string) string {
	if t.Rule != "" {
		return label("api", api) + "," + label("rule", t.Rule) + "," + label("target", t.URL)
	}
	return label("api", api) + "," + label("target", t.URL)
}

// writeTargets writes the series of the targets of the APIs that have answered
// something, and of those that are watched: one may be away before anybody asks.
func writeTargets(p *page, served map[string]*API, upstreams map[string]Upstream) {
	type sample struct {
		target *Target
		labels string
	}
	var samples []sample
	for _, name := range slices.Sorted(maps.Keys(upstreams)) {
		for i := range upstreams[name].Targets {
			if t := &upstreams[name].Targets[i]; t.Watched || served[name] != nil {
				samples = append(samples, sample{t, t.labels(name)})
			}
		}
	}
	if len(samples) == 0 {
		return
	}
	for _, f := range familiesOfTarget() {
		p.begin(f.family)
		for _, s := range samples {
			p.value(f.family, s.labels, f.value(s.target))
		}
	}
}
