package upstream

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// retry is when a request is sent again that a target has failed.
type retry struct {
	attempts   int
	on         triggers
	tryTimeout time.Duration // 0: none
	budget     budget
}

func newRetry(cfg *config.Retry) *retry {
	if cfg == nil {
		return nil
	}
	r := &retry{attempts: cfg.Attempts, on: newTriggers(cfg.On), tryTimeout: cfg.TryTimeout.Limit()}
	r.budget.earned = int64(cfg.Budget.Part() * token)
	r.budget.left.Store(maxTokens)
	return r
}

// token is what a retry costs; maxTokens is how many of them can be saved up.
const (
	token     = 1000
	maxTokens = 100 * token
)

// budget keeps retries a part of all requests, so that they do not multiply the
// load of targets that fail under it: a request earns a part of a token, a retry
// costs one.
type budget struct {
	earned int64
	left   atomic.Int64
}

// earn counts a request. Cores that do it at once may save up a little more than
// the most, which does no harm.
func (b *budget) earn() {
	if b.left.Load() < maxTokens {
		b.left.Add(b.earned)
	}
}

// spend pays for a retry, if it can.
func (b *budget) spend() bool {
	if b.left.Add(-token) >= 0 {
		return true
	}
	b.left.Add(token)
	return false
}

// request is an exchange's request on its way to one target after the other.
type request struct {
	x      *exchange.Exchange
	begun  time.Time
	piece  *[]byte   // the head, and the body if it is at hand
	lines  int       // bytes of piece that are for one target only
	target *target   // which that is
	body   []byte    // read before the first attempt
	inline bool      // the body is, or will be, in piece
	held   int64     // bytes of it that count as held
	sent   time.Time // when the last attempt's request had been; zero: it had not
	tries  int       // targets asked
	tried  uint64    // which, by member's index

	// Of the last attempt.
	asked   *member       // nil: it is over
	limit   time.Duration // for the answer's head; 0: none
	done    func(error)   // of the target's circuit, see told
	trying  bool          // it finds out whether the target is well again
	conn    *conn         // with the answer; nil: there is none
	failed  error         // why not
	awaited bool          // the caller still owed some of its body then
}

// maxHeld is how many of the largest bodies an upstream holds at once. Callers
// who send the last byte of many slowly shall not fill the memory.
const maxHeld = 16

// hold reads the body of a request that may have to be sent again, if its
// length is known and within limits.buffered_body. The error is a problem.
func (u *Upstream) hold(r *request) error {
	x := r.x
	if u.retry == nil {
		return nil
	}
	u.retry.budget.earn()
	if x.Body == nil || r.inline || x.Request.Expect || x.Request.Chunked || x.Request.Length > u.replayable || !idempotent(x) {
		return nil
	}
	if n := x.Request.Length; (u.held.Add(n)-1)/maxHeld >= u.replayable {
		u.held.Add(-n) // it is sent as it comes, and once
		return nil
	}
	r.held = x.Request.Length
	if x.Body.Held() {
		r.inline = true
		return nil
	}
	// It grows as it comes: a length that is only promised costs no memory.
	body, err := io.ReadAll(x.Body)
	if err != nil {
		return asProblem(&callerError{err})
	}
	r.body, r.inline = body, true
	return nil
}

// write makes piece the request as t shall see it.
func (r *request) write(u *Upstream, t *target) {
	switch {
	case r.target == t:
		return
	case r.target != nil:
		line := u.appendLine(nil, r.x, t)
		*r.piece = slices.Replace(*r.piece, 0, r.lines, line...)
		r.lines, r.target = len(line), t
		return
	}
	*r.piece = u.appendLine(*r.piece, r.x, t)
	r.lines, r.target = len(*r.piece), t
	*r.piece = appendFields(*r.piece, r.x)
	if r.body != nil {
		*r.piece = append(*r.piece, r.body...)
		r.body = nil
	} else if r.inline {
		*r.piece = appendBody(*r.piece, r.x.Body)
	}
}

// note counts how an attempt went.
func (u *Upstream) note(m *member, r *request, o outcome) {
	if o != unjudged {
		u.judge(m, o)
	}
	if trouble.have(o) {
		m.failures.Inc()
	}
	told(r.done, o)
	r.tryNoMore(m)
	r.asked = nil
}

// request is an empty one, which end gives back. It is not on the stack, which
// stays with every connection that rests.
func (u *Upstream) request() *request {
	if r, ok := u.requests.Get().(*request); ok {
		return r
	}
	return new(request)
}

// end gives back r and what it has taken. After a panic that is a place at its
// target, too, unless the end of an answer gives it back.
func (u *Upstream) end(r *request) {
	if r.held > 0 {
		u.held.Add(-r.held)
	}
	if r.asked != nil {
		u.abandon(r.asked, r)
	}
	*r = request{}
	u.requests.Put(r)
}

// abandon ends an attempt that did not come to its end.
func (u *Upstream) abandon(m *member, r *request) {
	u.note(m, r, unjudged)
	switch {
	case r.x.Answer.Release != nil:
	case r.conn != nil:
		r.conn.finish(false)
	default:
		m.pending.Add(-1)
	}
}

// tryNoMore lets another request find out whether m is well again, if r did.
func (r *request) tryNoMore(m *member) {
	if r.trying {
		r.trying = false
		m.health.trying.Store(false)
	}
}

// Why a request is not sent to any target, for the log.
var (
	errPending = errors.New("max_pending requests are under way")
	errQueue   = errors.New("max_pending requests are under way, and the queue is full")
	errWaited  = errors.New("waited in the queue for too long")
	errFull    = errors.New("every target has max_connections requests")
	errCircuit = errors.New("every circuit is open")
)

// choose finds a target that has not been tried, has room for the request and
// whose circuit lets it pass. Without one, err is a problem: why the last attempt
// failed, if there was one.
func (u *Upstream) choose(r *request) (m *member, err error) {
	now := r.begun
	if r.tries > 0 {
		now = time.Now()
	}
	full, resting := false, (*member)(nil)
	for {
		if m = u.pick(r.x, r.tried, now); m == nil {
			if m, resting = resting, nil; m == nil {
				break
			}
		} else if r.tried |= 1 << m.index; u.ejection != nil {
			var ok bool
			if r.trying, ok = m.health.begin(); !ok {
				resting = m
				continue
			}
		}
		if !m.enter() {
			full = true
			r.tryNoMore(m)
			continue
		}
		var ok bool
		if r.done, ok = m.breaker.allow(); ok {
			r.asked = m
			return m, nil
		}
		m.pending.Add(-1)
		r.tryNoMore(m)
	}
	switch {
	case r.failed != nil:
		return nil, asProblem(r.failed)
	case full:
		return nil, problem.Overloaded.Because(errFull)
	}
	p := problem.CircuitOpen.Because(errCircuit)
	if opens := u.current(now).circuit; opens.After(now) {
		p.RetryAfter = max(time.Second, opens.Sub(now).Round(time.Second))
	}
	return nil, p
}

// again reports whether the request is to be sent to another target, or once
// more to the same one where there is no other. A connection that could not be
// opened has done nothing, so that another target may be asked in any case.
func (u *Upstream) again(r *request, o outcome) bool {
	if o >= 0 && o < 500 || o == unjudged || u.expired(r) {
		return false
	}
	others := r.tried != 1<<len(u.members)-1
	if o == notConnected && others {
		return true
	}
	t := u.retry
	if t == nil || r.tries >= t.attempts || !t.on.have(o) || o != notConnected && !u.repeatable(r) || !t.budget.spend() {
		return false
	}
	if !others {
		r.tried = 0
	}
	return true
}

// expired reports whether no time is left for the request.
func (u *Upstream) expired(r *request) bool {
	now := time.Now()
	return u.timeout > 0 && now.Sub(r.begun) >= u.timeout || !r.x.Deadline.IsZero() && !now.Before(r.x.Deadline)
}

// limit is how long to wait for the answer's head: what is left of the timeout,
// and no more than try_timeout if another attempt can follow.
func (u *Upstream) limit(r *request) time.Duration {
	limit := u.timeout
	if r.tries > 1 && limit > 0 {
		limit = max(limit-time.Since(r.begun), time.Millisecond)
	}
	if t := u.retry; t != nil && t.tryTimeout > 0 && (limit == 0 || t.tryTimeout < limit) &&
		r.tries < t.attempts && t.budget.left.Load() >= token && u.repeatable(r) {
		return t.tryTimeout
	}
	return limit
}

// repeatable reports whether a target may be sent the request although it, or
// another one, may have worked on it already.
func (u *Upstream) repeatable(r *request) bool {
	return idempotent(r.x) && (r.x.Body == nil || r.inline && r.x.Request.Length <= u.replayable)
}

func idempotent(x *exchange.Exchange) bool {
	switch string(x.SentMethod()) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

// outcome is how an attempt without an answer ended. A target that waits in vain
// for what a caller does not send may say so by its silence, or close: callers
// shall not be able to have it taken for one that fails.
func (r *request) outcome() outcome {
	if r.awaited {
		return unjudged
	}
	return outcomeOf(r.failed)
}

// outcomeOf is what an error on a connection says of the target.
func outcomeOf(err error) outcome {
	var fromCaller *callerError
	var timeout net.Error
	switch {
	case errors.As(err, &fromCaller), errors.Is(err, wire.ErrGone), errors.Is(err, wire.ErrDeadline):
		return unjudged
	case errors.Is(err, wire.ErrIdle), errors.As(err, &timeout) && timeout.Timeout():
		return late
	}
	return broken
}

// discard lets go of an answer that another one is to take the place of.
func (r *request) discard() {
	c := r.conn
	if c == nil {
		return
	}
	r.conn = nil
	a := &r.x.Answer
	clean := a.Body == nil || a.Body.Discard()
	a.Head.Reset()
	*a = exchange.Answer{Head: a.Head}
	c.finish(clean)
}
