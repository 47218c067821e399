package introspect

import (
	"math/rand/v2"
	"sync"
	"time"
)

// How an authorization server that fails is left alone: after a few failures in
// a row, for a random half or more of a bound that doubles.
const (
	patientFailures = 3
	firstRest       = 500 * time.Millisecond
	lastRest        = 30 * time.Second
)

// rests keeps questions away from a server that fails, but for one now and then
// that finds out whether it still does.
type rests struct {
	mu      sync.Mutex
	failed  int // in a row
	until   time.Time
	probing bool
}

// begin asks whether the server may be asked now; end must follow. Otherwise it
// says when it will be.
func (r *rests) begin(now time.Time) (until time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed < patientFailures {
		return time.Time{}, true
	}
	if r.probing || now.Before(r.until) {
		return r.until, false
	}
	r.probing = true
	return time.Time{}, true
}

// end takes the outcome. It says when the server will be asked next if this
// failure makes it rest, and whether this success ends one.
func (r *rests) end(failed bool, now time.Time) (next time.Time, recovered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	resting := r.failed >= patientFailures
	r.probing = false
	if !failed {
		r.failed = 0
		return time.Time{}, resting
	}
	if resting && now.Before(r.until) {
		return time.Time{}, false // one that was under way when the rest began
	}
	r.failed++
	if r.failed < patientFailures {
		return time.Time{}, false
	}
	bound := min(lastRest, firstRest<<min(r.failed-patientFailures, 10))
	r.until = now.Add(bound/2 + rand.N(bound/2))
	return r.until, false
}

// skip ends a question whose outcome says nothing of the server.
func (r *rests) skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probing = false
}

// resting is when the server will be asked again; zero: it works.
func (r *rests) resting() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed < patientFailures {
		return time.Time{}
	}
	return r.until
}
