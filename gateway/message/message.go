package message

import (
	"bufio"
	"bytes"
	"strings"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/wire"
)

// Message is a body that was read whole. It belongs to its exchange and to that
// one's goroutine; nothing of it is kept longer.
type Message struct {
	bodies  *Bodies
	head    *wire.Head
	request *wire.Request    // nil in an answer
	answer  *exchange.Answer // nil in a request
	body    *wire.Body       // nil: there was none
	end     func(exchange.End)

	raw    buffer // as it came
	data   []byte // as it is sent
	bytes  bytes.Reader
	reader *bufio.Reader // of bytes

	text   content
	object object
	doc    xmlDocument
	parsed int64 // memory reserved for what was made of it
	own    int64 // and for what replaces it
}

// hold makes the exchange send data as the body.
func (m *Message) hold(data []byte) {
	m.data = data
	m.bytes.Reset(data)
	m.reader.Reset(&m.bytes)
	n := int64(len(data))
	m.body.Hold(m.reader, n)
	_, _ = m.reader.Peek(1) // a small body is all at hand then, and goes with the head
	_, known := m.body.Length()
	switch {
	case m.answer != nil:
		m.answer.Length = n
	case known:
		m.request.Chunked, m.request.Length = false, n
	default: // trailers follow, which only chunks can carry
	}
}

// Raw is the body as it travels, its content codings included. It is not to be
// changed.
func (m *Message) Raw() []byte { return m.data }

// Type is the Content-Type; nil without one.
func (m *Message) Type() []byte { return m.head.Get("Content-Type") }

// None reports whether the message has no body, and can have none.
func (m *Message) None() bool {
	return m.body == nil || m.answer != nil && m.answer.Body == nil
}

// Replace makes text, which is UTF-8, the body that is sent, in the codings in which
// the body came, where they are known here. The message keeps it until the exchange
// has ended. What the head says of the length, the coding, the charset and digests
// follows, and digests among the trailers are dropped. A message that has no body
// stays without one. The error is a *problem.Problem.
func (m *Message) Replace(text []byte) error {
	if m.None() {
		return nil
	}
	if int64(len(text)) > m.bodies.limit {
		return m.textProblem(errLong)
	}
	list, err := m.codings()
	if err != nil || len(text) == 0 {
		list = nil
	}
	data, err := encode(text, list)
	if err != nil {
		data, list = text, nil
	}
	if err := m.substitute(data, list); err != nil {
		return err
	}
	if kind := m.Type(); charsetOf(kind) != "" {
		m.head.SetBytes("Content-Type", withCharset(kind))
	}
	return nil
}

// substitute sends data, which is in these codings, in place of the body.
func (m *Message) substitute(data []byte, codings []string) error {
	m.forget()
	m.disown()
	if err := m.bodies.room.take(int64(cap(data))); err != nil {
		return m.textProblem(err)
	}
	m.own = int64(cap(data))
	m.dropDigests()
	if m.answer != nil && m.head.Get("ETag") != nil {
		m.head.Del("ETag") // it named other bytes
	}
	if len(codings) > 0 {
		m.head.Set("Content-Encoding", strings.Join(codings, ", "))
	}
	m.hold(data)
	return nil
}

// dropDigests removes what the head says of bytes that are not sent.
func (m *Message) dropDigests() {
	for _, name := range [...]string{"Content-Encoding", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest"} {
		m.head.Del(name)
	}
}

// Disclaim makes an answer to HEAD, or a 304, say nothing of a body that would have
// been replaced.
func (m *Message) Disclaim() {
	if m.answer == nil || m.answer.Body != nil {
		return
	}
	m.answer.Length = -1
	m.dropDigests()
	m.head.Del("ETag")
}

// Limit is how many bytes a body may have.
func (m *Message) Limit() int64 { return m.bodies.limit }

// disown gives back the memory of what has replaced the body.
func (m *Message) disown() {
	m.bodies.room.left.Add(m.own)
	m.own = 0
}

// reserve takes memory for what is made of the body.
func (m *Message) reserve(n int64) error {
	if err := m.bodies.room.take(n); err != nil {
		return problem.Overloaded.Because(err)
	}
	m.parsed += n
	return nil
}

// forget drops what was made of the body.
func (m *Message) forget() {
	m.bodies.room.left.Add(m.parsed)
	m.parsed, m.object, m.doc = 0, object{}, xmlDocument{}
	m.text.reset()
}

// release gives back what the message holds, at the end of its exchange.
func (m *Message) release(exchange.End) {
	b := m.bodies
	m.forget()
	m.disown()
	m.raw.release()
	m.bytes.Reset(nil)
	m.reader.Reset(nil)
	*m = Message{reader: m.reader, end: m.end, raw: m.raw, text: m.text}
	b.messages.Put(m)
}
