package upstream

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/wire"
)

// maxInterim bounds the 1xx answers before the final one.
const maxInterim = 16

// errInterim is an answer that breaks the protocol.
var errInterim = errors.New("too many interim answers")

// Forward sends x to a target and returns once the answer's head is in
// x.Answer, whose body is still to be read. The error is a *problem.Problem.
func (u *Upstream) Forward(x *exchange.Exchange) error {
	if u.maximum > 0 {
		x.Deadline = x.Started.Add(u.maximum)
	}
	if err := u.upgrades.ask(x); err != nil {
		return err
	}
	if u.gate == nil && x.Upgrade == nil {
		return u.forward(x)
	}
	return u.counted(x)
}

// counted forwards what is counted on its way. It is a function of its own so
// that the others need no room for it on their stacks, which stay with every
// connection that rests.
func (u *Upstream) counted(x *exchange.Exchange) error {
	if x.Upgrade != nil {
		defer u.upgrades.settle(x)
	}
	if u.gate == nil {
		return u.forward(x)
	}
	if err := u.gate.enter(x); err != nil {
		return err
	}
	passed := false
	defer func() {
		if !passed {
			u.gate.leave() // otherwise with the end of the answer
		}
	}()
	err := u.forward(x)
	passed = err == nil && x.Answer.Tunnel == nil
	return err
}

// forward asks targets until one has answered or no other may be asked.
func (u *Upstream) forward(x *exchange.Exchange) error {
	x.Steps.Forward = time.Now()
	r := u.request()
	defer u.end(r)
	r.x, r.begun, r.piece, r.inline = x, x.Steps.Forward, wire.Piece(), x.Body != nil && x.Body.Inline()
	err := u.hold(r)
	r.sending()
	for err == nil {
		var m *member
		if m, err = u.choose(r); m == nil {
			break
		}
		o := u.ask(m, r)
		if u.note(m, r, o); !u.again(r, o) {
			err = u.settle(r)
			break
		}
		u.counts.Retries.Inc()
		r.discard()
	}
	if x.Body == nil || r.inline {
		wire.PutPiece(r.piece) // an upload takes it over instead
	}
	r.timed()
	return err
}

// sending notes from when on a target may be waited for. What of the body is at
// hand goes with the head.
//
// It is not inlined, nor is timed: the stack of forward stays with every
// connection that rests, and has no room for what they compute.
//
//go:noinline
func (r *request) sending() {
	if r.sent = r.begun; r.x.Body != nil {
		r.sent = time.Now()
	}
}

// timed notes how long the exchange took, and its target alone.
//
//go:noinline
func (r *request) timed() {
	if r.conn != nil && r.conn.upload != nil {
		r.sent = r.conn.upload.sentAt()
	}
	end := time.Now()
	if r.x.UpstreamTime = end.Sub(r.begun); !r.sent.IsZero() {
		r.x.AnswerTime = end.Sub(r.sent)
	}
}

// settle ends the attempts with the last one's outcome, as a problem. The
// place in the gate goes with the answer; a tunnel needs none, and gives it back
// before the caller can have read the 101.
func (u *Upstream) settle(r *request) error {
	if r.conn != nil && r.x.Answer.Tunnel == nil {
		r.conn.inside = u.gate != nil
	}
	return asProblem(r.failed)
}

// ask sends the request to m, and once more on a fresh connection when a kept
// one turns out to have been closed by the target at the same moment. Then
// r.conn is the connection on which the answer comes, or r.failed why none does.
func (u *Upstream) ask(m *member, r *request) outcome {
	r.x.Upstream = m.name
	r.tries++
	r.write(u, m.target)
	r.limit = u.limit(r)
	if r.conn = m.pool.get(r.x.Shard); r.conn != nil {
		silent, answered := u.try(r)
		if answered {
			return outcome(r.conn.answer.Status)
		}
		if !silent || !u.mayRepeat(r, r.failed) {
			return r.outcome()
		}
		m.pending.Add(1) // the connection's end has counted it out
	}
	if r.conn, r.failed = m.dial(u.connectTimeout, r.x.Deadline); r.failed != nil {
		m.pending.Add(-1)
		if end := r.x.Deadline; !end.IsZero() && !time.Now().Before(end) {
			return unjudged // the caller may have left no time for it
		}
		return notConnected
	}
	if _, answered := u.try(r); !answered {
		return r.outcome()
	}
	return outcome(r.conn.answer.Status)
}

// try sends the request over r.conn and reads the answer's head. When that
// fails, the connection is closed; silent says that not a byte came back.
func (u *Upstream) try(r *request) (silent, answered bool) {
	c, x := r.conn, r.x
	x.Attempts++
	c.target.attempts.Inc()
	c.take(u, x, r.limit)
	if x.Body != nil && !r.inline {
		c.upload = startUpload(c, x, r.piece)
	} else if _, r.failed = c.Write(*r.piece); r.failed != nil {
		r.conn = nil
		c.finish(false)
		return true, false
	}
	if r.failed = c.readAnswer(); r.failed == nil {
		return false, true
	}
	return r.fail(), false
}

// fail ends an attempt that r.failed tells of.
func (r *request) fail() (silent bool) {
	c := r.conn
	up := c.upload
	if up != nil {
		r.sent = up.sentAt()
	}
	silent = c.answer.Status == 0 && c.R.Buffered() == 0
	r.conn = nil
	c.finish(false)
	switch {
	case up == nil || up.readErr == nil:
	case errors.Is(up.readErr, wire.ErrGone):
		r.awaited = true
	default:
		// What broke on the caller's side made the rest fail.
		r.failed = &callerError{up.readErr}
	}
	return silent
}

// mayRepeat reports whether a request that failed on a kept connection is safe
// to send again: the target closed before its first byte, the method is
// idempotent, and the whole body is at hand within limits.buffered_body.
func (u *Upstream) mayRepeat(r *request, err error) bool {
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		return false
	}
	return u.repeatable(r)
}

// readAnswer reads heads until the final one, passing interim ones on.
func (c *conn) readAnswer() error {
	for interim := 0; ; interim++ {
		text, err := wire.PeekHead(c.R)
		if err != nil {
			return err
		}
		final, err := c.readHead(text, interim)
		if final || err != nil {
			return err
		}
	}
}

// readHead reads one of an answer's heads, of which interim ones came before. It
// is a function of its own so that its room is not on the stack while the head
// is waited for: see counted.
func (c *conn) readHead(text []byte, interim int) (final bool, err error) {
	c.head = append(c.head[:0], text...)
	_, _ = c.R.Discard(len(text)) // it was peeked
	c.x.Answer.Head.Reset()
	c.answer, err = wire.ReadResponse(c.head, &c.x.Answer.Head)
	switch {
	case err != nil:
		return false, err
	case c.answer.Status >= 200:
		c.accept()
		return true, nil
	case c.answer.Status == 101:
		return true, c.switchOver()
	case interim == maxInterim:
		return false, errInterim
	}
	return false, c.passInterim()
}

// passInterim sends a 1xx to callers that may understand it: 100 only to one
// that waits for it, none on HTTP/1.0.
func (c *conn) passInterim() error {
	x := c.x
	if x.Request.HTTP10 || c.answer.Status == 100 && !x.Request.Expect {
		return nil
	}
	if c.answer.Status == 100 && c.upload != nil {
		defer c.upload.asking.Store(false) // from here on the caller's silence counts
	}
	head := wire.AppendStatus(nil, c.answer.Status, c.answer.Reason)
	head = append(x.Answer.Head.Append(head), "\r\n"...)
	if _, err := x.Conn.Write(head); err != nil {
		return wire.ErrGone
	}
	return nil
}

// accept hands the final answer to the exchange.
func (c *conn) accept() {
	x, r := c.x, &c.answer
	c.ReadLimit = c.upstream.idleTimeout
	x.Answer.Status, x.Answer.Reason = r.Status, r.Reason
	x.Answer.Release = c.release
	x.Answer.Length = r.Length
	x.Answer.Body = &c.body
	switch {
	case r.Bodyless(x.HTTP.Request.Header.IsHead()):
		c.body.SetLength(c.R, 0)
		x.Answer.Body = nil
	case r.Chunked:
		c.body.SetChunked(c.R)
	case r.Length >= 0:
		c.body.SetLength(c.R, r.Length)
	default:
		r.Close = true
		c.body.SetUntilClose(c.R)
	}
	if c.upload != nil {
		c.Busy = nil
		x.Answer.Close = !c.upload.whole.Load() && !x.Body.Held()
	}
}

// appendBody copies a body that is wholly in its reader's buffer.
func appendBody(b []byte, body *wire.Body) []byte {
	for !body.Done() {
		if cap(b)-len(b) == 0 {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil {
			break // not for bytes that are buffered
		}
	}
	return b
}

// callerError is a request body that broke on the caller's side.
type callerError struct{ err error }

func (e *callerError) Error() string { return "read request body: " + e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

// asProblem tells a caller what kind of failure err was; nil stays nil.
func asProblem(err error) error {
	if err == nil {
		return nil // before the variables below, which cost an allocation
	}
	return classify(err)
}

// classify finds the problem that err is.
func classify(err error) error {
	var fromCaller *callerError
	var timeout net.Error
	switch {
	case errors.As(err, &fromCaller):
		return message.CallerProblem(err)
	case errors.Is(err, wire.ErrGone):
		return problem.CallerGone.Because(err)
	case errors.Is(err, wire.ErrIdle), errors.Is(err, wire.ErrDeadline):
		return problem.UpstreamTimeout.Because(err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem.UpstreamTimeout.Because(err)
	case wire.IsRefusal(err), errors.Is(err, errInterim), errors.Is(err, errSwitch), errors.Is(err, errOther), errors.Is(err, errAccept):
		return problem.UpstreamInvalid.Because(err)
	}
	return problem.UpstreamFailed.Because(err)
}
