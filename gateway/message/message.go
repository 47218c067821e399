package message

import (
	"bufio"
	"bytes"

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

// Replace makes text, which is UTF-8, the body that is sent. The message keeps it
// until the exchange has ended. What the head says of the length, the coding, the
// charset and digests follows. A message that had no body stays without one.
func (m *Message) Replace(text []byte) {
	if m.body == nil {
		return
	}
	m.forget()
	for _, name := range [...]string{"Content-Encoding", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest"} {
		if m.head.Get(name) != nil {
			m.head.Del(name)
		}
	}
	if kind := m.Type(); charsetOf(kind) != "" {
		m.head.SetBytes("Content-Type", withCharset(kind))
	}
	if m.answer != nil && m.head.Get("ETag") != nil {
		m.head.Del("ETag") // it named other bytes
	}
	m.hold(text)
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
	m.raw.release()
	m.bytes.Reset(nil)
	m.reader.Reset(nil)
	*m = Message{reader: m.reader, end: m.end, raw: m.raw, text: m.text}
	b.messages.Put(m)
}
