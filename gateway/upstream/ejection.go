package upstream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
)

// state is what is known of how a target fares. It is read at every request and
// changes seldom.
type state struct {
	failed atomic.Int32 // requests in a row
	until  atomic.Int64 // when it may be asked again, in nanoseconds; 0: it always could
	back   atomic.Int64 // since when it is well again; 0: it always was
	unwell atomic.Bool  // checks say so
	trial  atomic.Bool  // since it was ejected nothing has succeeded
	trying atomic.Bool  // a request is finding out whether it is well again

	mu     sync.Mutex
	span   time.Duration // of the last ejection
	why    string        // of it, or of the last check that failed
	counts uint64        // ejections
}

// ejection is when targets are taken out of turn, and for how long.
type ejection struct {
	failures  int32
	on        triggers
	base, max time.Duration
	floor     float64
}

func newEjection(cfg *config.Ejection) *ejection {
	if cfg == nil || cfg.None {
		return nil
	}
	return &ejection{
		failures: int32(cfg.Failures), on: newTriggers(cfg.On),
		base: cfg.Base.Limit(), max: cfg.Max.Limit(), floor: cfg.Floor.Part(),
	}
}

// judge notes how a request to m went. What is the caller's fault, or nobody's,
// is not told here.
func (u *Upstream) judge(m *member, o outcome) {
	e := u.ejection
	if e == nil || len(u.members) == 1 {
		return
	}
	if !e.on.have(o) {
		u.passed(m)
		return
	}
	if m.health.failed.Add(1) >= e.failures {
		u.eject(m, o, time.Now())
	}
}

// passed ends a row of failures.
func (u *Upstream) passed(m *member) {
	s := &m.health
	if s.failed.Load() != 0 {
		s.failed.Store(0)
	}
	if s.trial.Load() && s.until.Load() <= time.Now().UnixNano() && s.trial.CompareAndSwap(true, false) {
		s.back.Store(time.Now().UnixNano()) // its share begins to grow
		u.changes.Add(1)
	}
}

// begin reports whether a request may find out how the target fares, which one
// at a time does while it is on trial. Requests that are answered already do not
// count, however long their answers go on.
func (s *state) begin() (trying, ok bool) {
	if !s.trial.Load() {
		return false, true
	}
	trying = s.trying.CompareAndSwap(false, true)
	return trying, trying
}

// eject takes m out of turn, unless too few targets would be left.
func (u *Upstream) eject(m *member, o outcome, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !m.away(now).IsZero() || u.inTurn(now)-1 < u.fewest() {
		return
	}
	span, until := m.health.eject(u.ejection, o.String(), now)
	// Once it is back the first failure is enough, until something succeeds.
	m.health.failed.Store(u.ejection.failures - 1)
	u.changes.Add(1)
	u.log.Warn("target ejected", zap.String("target", m.name), zap.String("why", o.String()),
		zap.Duration("for", span), zap.Time("until", until))
}

// eject notes an ejection: twice as long as the last one, if the target has not
// been well for as long since.
func (s *state) eject(e *ejection, why string, now time.Time) (span time.Duration, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended := time.Unix(0, s.until.Load())
	if s.span > 0 && now.Sub(ended) < s.span {
		span = min(2*s.span, e.max)
	} else {
		span = e.base
	}
	until = now.Add(span)
	s.span, s.why = span, why
	s.counts++
	s.trial.Store(true)
	s.back.Store(until.UnixNano())
	s.until.Store(until.UnixNano())
	return span, until
}

// inTurn counts the targets that are neither ejected nor unwell.
func (u *Upstream) inTurn(now time.Time) (n int) {
	for _, m := range u.members {
		if m.well(now) {
			n++
		}
	}
	return n
}

// fewest is how many targets must stay in turn: one in any case.
func (u *Upstream) fewest() int {
	return max(1, int(math.Ceil(u.ejection.floor*float64(len(u.members)))))
}

// well reports whether the target may be asked now.
func (t *target) well(now time.Time) bool {
	return !t.health.unwell.Load() && t.health.until.Load() <= now.UnixNano()
}
