package introspect

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"postern/provisioning/fetch"
)

// RemoteStatus is how asking an authorization server goes. It holds no token
// and no secret.
type RemoteStatus struct {
	Endpoint   string     `json:"endpoint"`
	Asked      uint64     `json:"asked"`
	Failed     uint64     `json:"failed"` // without an answer that makes sense
	Inactive   uint64     `json:"inactive"`
	Stale      uint64     `json:"stale"` // answers that served after their time
	LastError  string     `json:"last_error,omitempty"`
	LastFailed time.Time  `json:"last_failed,omitzero"`
	Resting    time.Time  `json:"resting_until,omitzero"` // not asked before; zero: it works
	Took       float64    `json:"took_seconds"`           // all questions together
	Cache      CacheStats `json:"cache"`                  // of good tokens
}

// remoteTally counts what came of the questions.
type remoteTally struct {
	asked, failed, inactive, stale atomic.Uint64
	took                           atomic.Int64 // nanoseconds
	told                           atomic.Int64 // Unix nanoseconds of the last line on an odd answer

	mu         sync.Mutex
	lastError  error
	lastFailed time.Time
}

func (t *remoteTally) record(err error, away bool, took time.Duration) {
	t.asked.Add(1)
	t.took.Add(int64(took))
	if errors.Is(err, ErrInactive) {
		t.inactive.Add(1)
	}
	if !away {
		return
	}
	t.failed.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastError, t.lastFailed = err, time.Now()
}

// telling reports whether it is time for another line on odd answers: what
// strangers can cause does not fill the log.
func (t *remoteTally) telling(now time.Time) bool {
	told := t.told.Load()
	return now.UnixNano()-told > int64(lastRest) && t.told.CompareAndSwap(told, now.UnixNano())
}

func (r *remote) status() *RemoteStatus {
	t := &r.tally
	s := &RemoteStatus{
		Endpoint: fetch.Redact(r.rules.Remote.Endpoint),
		Asked:    t.asked.Load(), Failed: t.failed.Load(), Inactive: t.inactive.Load(), Stale: t.stale.Load(),
		Resting: r.pause.resting(), Took: time.Duration(t.took.Load()).Seconds(), Cache: r.trust.stats(),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lastError != nil {
		s.LastError, s.LastFailed = t.lastError.Error(), t.lastFailed
	}
	return s
}
