package metrics

import "time"

// Traffic is what has been counted since the process began, as the status shows
// it. It is read without a lock, so its parts may be a request apart.
type Traffic struct {
	APIs     []APITraffic      `json:"apis"`
	Problems map[string]uint64 `json:"problems"` // by code
	Tokens   map[string]uint64 `json:"tokens"`   // by outcome
	Cache    TokenCache        `json:"cache"`
}

// APITraffic is the part of one API; with an empty name, of what no API took.
type APITraffic struct {
	Name     string            `json:"name"`     // name/version
	Requests map[string]uint64 `json:"requests"` // by status class; none: nothing was sent
	Attempts uint64            `json:"attempts"` // requests sent upstream
	Duration Durations         `json:"duration"` // see API.Done
	Upstream Durations         `json:"upstream"`
}

// Durations is a histogram. Counts has one number for each of LE, of what is
// above the bound before and not above this one, and one for what is longer.
type Durations struct {
	LE     []float64 `json:"le"` // seconds
	Counts []uint64  `json:"counts"`
	Sum    float64   `json:"sum"` // seconds
}

// Traffic is what was counted for no API in particular.
func (i *Instruments) Traffic() Traffic {
	t := Traffic{APIs: []APITraffic{}, Problems: i.problems.counts(), Tokens: i.tokens.counts()}
	if f := i.sources.TokenCache; f != nil {
		t.Cache = f()
	}
	return t
}

// Traffic is what was counted for the API, which is called name.
func (a *API) Traffic(name string) APITraffic {
	t := APITraffic{
		Name:     name,
		Requests: make(map[string]uint64, len(classes)),
		Attempts: a.attempts.Get(),
		Duration: a.took.durations(),
		Upstream: a.upstream.durations(),
	}
	for n, class := range classes {
		t.Requests[class] = a.requests[n].Get()
	}
	return t
}

func (h *histogram) durations() Durations {
	d := Durations{
		LE:     make([]float64, len(bounds)),
		Counts: make([]uint64, len(h.buckets)),
		Sum:    time.Duration(h.sum.Load()).Seconds(),
	}
	for n := range bounds {
		d.LE[n] = bounds[n].end.Seconds()
	}
	for n := range h.buckets {
		d.Counts[n] = h.buckets[n].Load()
	}
	return d
}
