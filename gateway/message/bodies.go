package message

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
)

// Bodies reads bodies within the limits of a gateway. It is safe for concurrent
// use by several exchanges.
type Bodies struct {
	limit    int64
	memory   int64 // of all
	room     room
	messages sync.Pool
}

// New makes the reader of a gateway: no body may be longer than limit bytes, and
// all that are held at once, with what is made of them, not longer than memory.
func New(limit, memory int64) *Bodies {
	b := &Bodies{limit: limit, memory: memory}
	b.room.left.Store(memory)
	return b
}

// Held is how many bytes of memory are taken now.
func (b *Bodies) Held() int64 { return b.memory - b.room.left.Load() }

// Request reads the body of x's request, or returns what was read of it before.
// A caller that waits to be told so is told to send it. Without a body the
// message is empty. The error is a *problem.Problem; then the body is not whole,
// and the request must not be forwarded.
func (b *Bodies) Request(x *exchange.Exchange) (*Message, error) {
	switch m := x.Message.(type) {
	case *Message:
		return m, nil
	case error:
		return nil, m // what is left of the body is no body
	}
	m := b.message(x)
	m.head, m.request = &x.Head, &x.Request
	if x.Body == nil {
		x.Message = m
		return m, nil
	}
	if x.Request.Length > b.limit {
		return nil, problem.ContentTooLarge.Because(errLong)
	}
	if err := invite(x); err != nil {
		return nil, problem.CallerGone.Because(err)
	}
	if err := m.read(x.Body); err != nil {
		err = requestProblem(err)
		x.Message = err
		return nil, err
	}
	m.body = x.Body
	m.hold(m.raw.bytes)
	x.Message = m
	return m, nil
}

// Make is Request; a request without a body gets one that is empty, to be
// replaced.
func (b *Bodies) Make(x *exchange.Exchange) (*Message, error) {
	m, err := b.Request(x)
	if err == nil && m.body == nil {
		x.Body = new(wire.Body)
		m.body = x.Body
		m.hold(nil)
	}
	return m, err
}

// Answer reads the body of x's answer, or returns what was read of it before.
// Where it has none, or the gateway speaks for itself, the message is empty.
// Nothing of an answer is sent before it has come whole, so one without an end,
// such as events, must not be asked for. The error is a *problem.Problem; then the answer is not whole, and must not be sent.
func (b *Bodies) Answer(x *exchange.Exchange) (*Message, error) {
	a := &x.Answer
	switch m := a.Message.(type) {
	case *Message:
		return m, nil
	case error:
		return nil, m // what is left of the body is no body
	}
	m := b.message(x)
	m.head, m.answer = &a.Head, a
	if a.Body == nil || a.Status == 0 {
		a.Message = m
		return m, nil
	}
	if a.Length > b.limit {
		return nil, problem.AnswerUnreadable.Because(errLong)
	}
	if err := m.read(a.Body); err != nil {
		err = answerProblem(err)
		a.Message = err
		return nil, err
	}
	m.body = a.Body
	m.hold(m.raw.bytes)
	a.Message = m
	return m, nil
}

// message is an empty one, which ends with x.
func (b *Bodies) message(x *exchange.Exchange) *Message {
	m := b.empty()
	x.AtEnd(m.end)
	return m
}

func (b *Bodies) empty() *Message {
	m, _ := b.messages.Get().(*Message)
	if m == nil {
		m = &Message{reader: bufio.NewReaderSize(nil, firstSize)}
		m.end = m.release
	}
	m.bodies = b
	return m
}

// invite asks a caller to send its body that waits for that (RFC 9110 10.1.1).
// One that did not wait needs not be asked.
func invite(x *exchange.Exchange) error {
	if !x.Request.Expect {
		return nil
	}
	x.Request.Expect = false // the target's consent is not waited for
	x.Head.Del("Expect")
	if x.Conn == nil || x.Conn.R.Buffered() > 0 {
		return nil
	}
	_, err := x.Conn.Write(append(wire.AppendStatus(nil, 100, nil), "\r\n"...))
	return err
}

// read takes a whole body from its connection.
func (m *Message) read(body *wire.Body) error {
	if err := m.raw.begin(&m.bodies.room, m.bodies.limit); err != nil {
		return err
	}
	for !body.Done() {
		if err := m.raw.grow(); err != nil {
			return err
		}
		b := m.raw.bytes
		n, err := body.Read(b[len(b):cap(b)])
		m.raw.bytes = b[:len(b)+n]
		if err != nil && err != io.EOF {
			return err
		}
	}
	if int64(len(m.raw.bytes)) > m.bodies.limit {
		return errLong
	}
	return nil
}

// requestProblem is why a request's body could not be read.
func requestProblem(err error) error {
	switch {
	case errors.Is(err, errFull):
		return problem.Overloaded.Because(err)
	case errors.Is(err, errLong):
		return problem.ContentTooLarge.Because(err)
	}
	return CallerProblem(fmt.Errorf("read request body: %w", err))
}

// CallerProblem is what a caller has done wrong in sending its body.
func CallerProblem(err error) error {
	switch {
	case errors.Is(err, wire.ErrIdle), errors.Is(err, wire.ErrSlow):
		return problem.RequestTimeout.Because(err)
	case wire.IsRefusal(err):
		return problem.BadRequest.Because(err)
	}
	return problem.CallerGone.Because(err)
}

// answerProblem is why an answer's body could not be read.
func answerProblem(err error) error {
	switch {
	case errors.Is(err, errFull):
		return problem.Overloaded.Because(err)
	case errors.Is(err, errLong):
		return problem.AnswerUnreadable.Because(err)
	case errors.Is(err, wire.ErrGone):
		return problem.CallerGone.Because(err)
	case errors.Is(err, wire.ErrIdle), errors.Is(err, wire.ErrDeadline):
		return problem.UpstreamTimeout.Because(err)
	case wire.IsRefusal(err):
		return problem.UpstreamInvalid.Because(err)
	}
	return problem.UpstreamFailed.Because(fmt.Errorf("read answer: %w", err))
}
