package message

import (
	"errors"
	"strings"
	"sync"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// Copy is the beginning of a body, taken while it passes: the body itself is
// neither held up nor changed. It may be read once the exchange has ended, and
// must be released then.
type Copy struct {
	raw, plain buffer
	room       *room
	limit      int64
	cut        bool // more came than was kept
	coding     []byte
	kind       []byte
	take       func([]byte)
}

var copies = sync.Pool{New: func() any {
	c := new(Copy)
	c.take = c.add
	return c
}}

// CopyRequest takes the first limit bytes of the body of x's request as they
// travel from now on; nil: it has none.
func (b *Bodies) CopyRequest(x *exchange.Exchange, limit int64) *Copy {
	m, _ := x.Message.(*Message)
	return b.copy(x.Body, m, &x.Head, limit)
}

// CopyAnswer takes the first limit bytes of the body of x's answer; nil: it has
// none.
func (b *Bodies) CopyAnswer(x *exchange.Exchange, limit int64) *Copy {
	m, _ := x.Answer.Message.(*Message)
	return b.copy(x.Answer.Body, m, &x.Answer.Head, limit)
}

// CopyOwn takes the first limit bytes of an answer that the gateway gives itself.
func (b *Bodies) CopyOwn(x *exchange.Exchange, limit int64) *Copy {
	c := b.newCopy(limit)
	c.kind = append(c.kind, x.HTTP.Response.Header.ContentType()...)
	c.coding = append(c.coding, x.HTTP.Response.Header.ContentEncoding()...)
	c.add(x.HTTP.Response.Body())
	return c
}

func (b *Bodies) copy(body *wire.Body, m *Message, head *wire.Head, limit int64) *Copy {
	if body == nil {
		return nil
	}
	c := b.newCopy(limit)
	c.kind = append(c.kind, head.Get("Content-Type")...)
	head.Visit(func(name, value []byte) {
		if strings.EqualFold(string(name), "Content-Encoding") {
			c.coding = append(append(c.coding, ','), value...)
		}
	})
	if m != nil && body.Held() {
		c.add(m.Raw())
	} else {
		body.Copy(c.take)
	}
	return c
}

func (b *Bodies) newCopy(limit int64) *Copy {
	c := copies.Get().(*Copy)
	c.room, c.limit, c.coding, c.kind = &b.room, limit, c.coding[:0], c.kind[:0]
	c.cut = c.raw.begin(c.room, limit) != nil
	return c
}

// add keeps what there is room for.
func (c *Copy) add(p []byte) {
	if c.cut {
		return
	}
	if _, err := c.raw.Write(p); err != nil {
		c.cut = true
	}
}

// Type is the Content-Type of the body.
func (c *Copy) Type() []byte { return c.kind }

// Text is what was kept, without its content coding where that could be undone.
// coding is what it still is in; cut says that more had come.
func (c *Copy) Text() (text []byte, coding string, cut bool) {
	text = first(c.raw.bytes, c.limit)
	coding = strings.ToLower(strings.Trim(string(c.coding), ", \t"))
	if coding == "" || coding == "identity" {
		return text, "", c.cut
	}
	if c.cut || strings.Contains(coding, ",") {
		return text, coding, c.cut
	}
	err := c.plain.begin(c.room, c.limit)
	if err == nil {
		err = undo(coding, &c.plain, text)
	}
	switch {
	case err == nil:
		return c.plain.bytes, "", false
	case errors.Is(err, errLong):
		return first(c.plain.bytes, c.limit), "", true
	}
	return text, coding, false
}

func first(text []byte, limit int64) []byte { return text[:min(int64(len(text)), limit)] }

// Release gives back what c holds.
func (c *Copy) Release() {
	c.raw.release()
	c.plain.release()
	copies.Put(c)
}

// Message is what was kept as a message, for looking into it; ok is false where it
// is not whole, or in a coding. It must be released.
func (c *Copy) Message(b *Bodies) (m *Message, ok bool) {
	text, coding, cut := c.Text()
	if coding != "" || cut {
		return nil, false
	}
	m = b.empty()
	m.head = new(wire.Head)
	m.head.AddBytes("Content-Type", c.kind)
	m.data = text
	return m, true
}

// Release gives back what a message of a copy holds.
func (m *Message) Release() { m.release(exchange.End{}) }
