package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/gateway/crash"
	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
)

// hold is how long a connection without a request keeps its buffers. Callers
// that come back within it cost one read; the others cost no memory while they
// rest.
const hold = time.Second

// session serves one caller's connection, request after request.
type session struct {
	server *server
	conn   *wire.Conn
	peer   netip.AddrPort
	shard  uint32
	// certificate is the thumbprint of the one that the caller has shown.
	certificate string
	tls         uint16 // version of TLS; 0: none
	served      bool   // it has had a request
	// idle says that no request is under way, so that a drain need not wait.
	idle atomic.Bool
	// tunnels says that the connection speaks HTTP no more.
	tunnels atomic.Bool

	x    *exchange.Exchange // nil while the connection rests
	body wire.Body
	down wire.Relay
}

// rescue makes a panic end this connection only. It is deferred.
func (s *session) rescue() {
	p := recover()
	if p == nil {
		return
	}
	if c := s.server.log.check(zap.ErrorLevel, "panic while serving a connection", ""); c != nil {
		c.Write(crash.Fields(p))
	}
	_ = s.conn.Close() // whatever it was, nothing more comes of it
}

// serve runs until the connection ends.
func (s *session) serve() {
	defer s.rescue()
	defer func() {
		s.rest()
		_ = s.conn.Close() // already closed where it mattered how
	}()
	for s.await() {
		if !s.request() {
			return
		}
	}
}

// await waits for the first byte of a request; false ends the connection.
func (s *session) await() bool {
	s.conn.Leave = &s.server.draining
	s.idle.Store(true)
	err := s.wait(s.server.idleTimeout)
	came := err == nil
	s.idle.Store(false)
	s.conn.Leave = nil
	if errors.Is(err, wire.ErrIdle) {
		s.server.metrics.Timeout("idle_timeout").Inc()
	}
	if !came && s.server.drained() {
		came = s.lastCall()
	}
	s.served = s.served || came
	return came
}

// When a drain begins, a request may be on its way. A caller whose connection is
// new has surely something to ask, and no way to know that it may ask again.
const (
	lastCall  = 50 * time.Millisecond
	firstCall = 500 * time.Millisecond
)

// lastCall takes a request that has come before the goodbye. Otherwise the
// connection ends so that the caller sees it end, and not fail.
func (s *session) lastCall() bool {
	if s.conn.R != nil && s.conn.R.Buffered() > 0 {
		return true
	}
	limit := lastCall
	if !s.served {
		limit = firstCall
	}
	s.idle.Store(true)
	err := s.conn.AwaitByte(limit)
	if errors.Is(err, wire.ErrIdle) {
		s.rest()
		_ = s.conn.CloseAfterAnswer() // there was none to lose
	}
	s.idle.Store(false)
	return err == nil
}

// wait waits for a byte until limit or a drain ends it. 0: no limit.
func (s *session) wait(limit time.Duration) error {
	if s.conn.R != nil {
		s.conn.Until, s.conn.ReadLimit = time.Time{}, hold
		if limit > 0 && limit < hold {
			s.conn.ReadLimit = limit
		}
		_, err := s.conn.R.Peek(1)
		if !errors.Is(err, wire.ErrIdle) || limit > 0 && limit <= hold {
			return err
		}
		s.rest()
		if limit > 0 {
			limit -= hold
		}
	}
	return s.conn.AwaitByte(limit)
}

// rest gives back what a waiting connection does not need.
func (s *session) rest() {
	s.server.readers.Take(s.conn)
	if s.x != nil {
		s.server.exchanges.Put(s.x)
		s.x = nil
	}
}

// wake borrows what a request needs.
func (s *session) wake() *exchange.Exchange {
	s.server.readers.Give(s.conn)
	if s.x == nil {
		s.x = s.server.exchanges.Get().(*exchange.Exchange)
		s.x.HTTP.Init2(s.conn.Conn, nil, false)
	}
	return s.x
}

// request serves one request and reports whether the connection may carry
// another.
func (s *session) request() (again bool) {
	x := s.wake()
	x.Started, x.Conn, x.Peer, x.Shard = time.Now(), s.conn, s.peer, s.shard
	x.Secure, x.TLS, x.Certificate = s.tls != 0, s.tls, s.certificate
	end := exchange.End{Err: errAborted}
	defer func() {
		release(&x.Answer, false) // a panic is still to be paid for
		end.Duration = time.Since(x.Started)
		if x.Body != nil {
			end.Received = x.Body.BytesRead()
		}
		x.Finish(end)
		x.HTTP.Request.Reset()
		x.Reset()
	}()
	defer func() { s.overdue(x, end.Err) }()
	if err := s.read(x); err != nil {
		again, end = s.refuse(x, err)
		return again
	}
	s.server.handle(x)
	if x.Answer.Status != 0 {
		again, end = s.relay(x)
	} else {
		release(&x.Answer, false) // the gateway speaks instead
		again, end = s.answer(x, x.Body == nil || x.Body.Discard())
	}
	return again
}

// errAborted is the outcome of an exchange that a panic has ended.
var errAborted = errors.New("exchange was aborted")

// read reads a request's head within limits.header_timeout of its first byte.
func (s *session) read(x *exchange.Exchange) error {
	s.conn.ReadLimit = 0
	if s.server.headerTimeout > 0 {
		s.conn.Until = x.Started.Add(s.server.headerTimeout)
	}
	wire.SkipEmptyLine(s.conn.R)
	head, err := wire.PeekHead(s.conn.R)
	if err != nil {
		return err
	}
	if err := wire.CheckLine(head); err != nil {
		return err
	}
	header := &x.HTTP.Request.Header
	if err := header.Read(s.conn.R); err != nil {
		// Its text would quote the head, credentials included.
		return wire.Diagnose(head)
	}
	if x.Request, err = wire.ReadRequest(header, &x.Head); err != nil {
		return err
	}
	s.openBody(x)
	return nil
}

// openBody prepares the request's body to be read as it arrives.
func (s *session) openBody(x *exchange.Exchange) {
	s.conn.Until, s.conn.ReadLimit = time.Time{}, s.server.bodyTimeout
	if !x.Request.HasBody() {
		return
	}
	if x.Request.Chunked {
		s.body.SetChunked(s.conn.R)
	} else {
		s.body.SetLength(s.conn.R, x.Request.Length)
	}
	s.body.KeepRate(s.server.bodyRate)
	x.Body = &s.body
}

// refuse answers a head that was not understood, and ends the connection: what
// follows cannot be told from a body.
func (s *session) refuse(x *exchange.Exchange, err error) (again bool, end exchange.End) {
	var refusal *wire.Refusal
	switch {
	case errors.Is(err, wire.ErrDeadline):
		refusal = wire.ErrTimeout
		s.server.metrics.Timeout("header_timeout").Inc()
	case !errors.As(err, &refusal):
		return false, exchange.End{Err: err} // the caller has left
	}
	x.Request.Close = true
	s.server.refuse(x, refusalProblem(refusal))
	return s.answer(x, false)
}

// refusalProblem is how a caller is told of a refusal.
func refusalProblem(r *wire.Refusal) *problem.Problem {
	p := problem.BadRequest
	switch r.Status {
	case 408:
		p = problem.RequestTimeout
	case 414:
		p = problem.URITooLong
	case 417:
		p = problem.ExpectationFailed
	case 431:
		p = problem.HeaderTooLarge
	case 501:
		p = problem.NotImplemented
	case 505:
		p = problem.VersionNotSupported
	}
	p = p.Because(r)
	p.Detail = r.Error()
	return p
}

// release ends the upstream's side of an answer that still has one.
func release(a *exchange.Answer, clean bool) {
	if end := a.Release; end != nil {
		a.Release = nil
		end(clean)
	}
}

// answer sends what the gateway itself has to say. read says that the request
// was read to its end, or that what is left of its body was here and could be
// dropped; otherwise the connection ends, since those bytes would be read as
// the next request.
func (s *session) answer(x *exchange.Exchange, read bool) (again bool, end exchange.End) {
	again = read && !x.Request.Close && !s.conn.Deaf() && !s.server.leaving.Load()
	response := &x.HTTP.Response
	if !again {
		response.SetConnectionClose()
	}
	response.SkipBody = x.HTTP.IsHead()
	end = exchange.End{Status: response.StatusCode()}
	if !response.SkipBody {
		end.Sent = int64(len(response.Body()))
	}
	writer := s.server.writers.Get().(*bufio.Writer)
	writer.Reset(s.conn)
	end.Err = response.Write(writer)
	if end.Err == nil {
		end.Err = writer.Flush()
	}
	writer.Reset(io.Discard)
	s.server.writers.Put(writer)
	response.Reset()
	if end.Err != nil {
		end.Err = fmt.Errorf("%w: %w", errWrite, end.Err)
		return false, end
	}
	if !again {
		s.close(read)
	}
	return again, end
}

// relay sends the upstream's answer on.
func (s *session) relay(x *exchange.Exchange) (again bool, end exchange.End) {
	a := &x.Answer
	if a.Tunnel != nil {
		return false, s.tunnel(x)
	}
	end = exchange.End{Status: a.Status}
	again = !x.Request.Close && !a.Close && !s.server.leaving.Load()
	framed, chunked := true, false
	if a.Body != nil {
		_, known := a.Body.Length()
		chunked = !known && !x.Request.HTTP10
		framed = known || chunked
	}
	again = again && framed
	piece := wire.Piece()
	*piece = appendAnswer(*piece, x, chunked, again)
	var readErr, writeErr error
	if a.Body == nil {
		_, writeErr = s.conn.Write(*piece)
		wire.PutPiece(piece)
	} else {
		s.down = wire.Relay{To: s.conn, Body: a.Body, Chunked: chunked, Head: &a.Head}
		readErr, writeErr = s.down.Run(piece)
		end.Sent = s.down.Sent
	}
	release(a, readErr == nil && writeErr == nil)
	read := x.Body == nil || x.Body.Arrived()
	switch {
	case readErr != nil:
		end.Err = fmt.Errorf("read answer: %w", readErr)
		if !framed {
			_ = s.conn.Reset() // an ordinary close would look like a whole answer
		}
	case writeErr != nil:
		end.Err = fmt.Errorf("%w: %w", errWrite, writeErr)
	case !again || !read:
		s.close(read)
	default:
		return true, end
	}
	return false, end
}

// close ends a connection whose last answer has been written.
func (s *session) close(read bool) {
	if read && s.conn.R.Buffered() == 0 {
		_ = s.conn.Close() // nothing is left to lose
		return
	}
	_ = s.conn.CloseAfterAnswer() // likewise
}

// appendAnswer writes the head of an upstream's answer as the caller shall see
// it: its lines as they came, framing written anew.
func appendAnswer(b []byte, x *exchange.Exchange, chunked, again bool) []byte {
	a := &x.Answer
	b = wire.AppendStatus(b, a.Status, a.Reason)
	b = a.Head.Append(b)
	switch {
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case a.Length >= 0 && a.Status >= 200 && a.Status != 204:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, a.Length, 10)
		b = append(b, "\r\n"...)
	}
	if !again {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}
