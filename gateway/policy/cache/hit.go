package cache

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"sync"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// copies are answers that are being read from the store.
type copies struct{ pool sync.Pool }

// reading is one of them.
type reading struct {
	body    wire.Body
	buffer  *bufio.Reader
	bytes   bytes.Reader
	release func(clean bool)
	from    *copies
}

func (c *copies) get() *reading {
	if r, ok := c.pool.Get().(*reading); ok {
		return r
	}
	r := &reading{buffer: bufio.NewReaderSize(nil, 4<<10), from: c}
	r.release = r.end
	return r
}

func (r *reading) end(bool) {
	r.bytes.Reset(nil)
	r.buffer.Reset(nil)
	r.from.pool.Put(r)
}

// answer gives x what is kept, or says that the caller has it already. The answer
// before it, if there was one, has been released.
func (c *policy) answer(x *exchange.Exchange, l *look, e *entry) {
	a, now := &x.Answer, l.asked.now
	a.Head.Reset()
	a.Status, a.Reason, a.Length, a.Body, a.Close = e.status, e.reason, int64(len(e.body)), nil, false
	r := c.copies.get()
	a.Release = r.release
	if e.status == http.StatusOK && l.has(e) {
		a.Status, a.Reason, a.Length = http.StatusNotModified, nil, -1
		a.Head.Join(&e.brief)
		c.aged(x, e, now)
		return
	}
	if e.status == http.StatusNoContent {
		a.Length = -1
	}
	a.Head.Join(&e.head)
	c.aged(x, e, now)
	if x.HTTP.IsHead() || len(e.body) == 0 {
		return
	}
	r.bytes.Reset(e.body)
	r.buffer.Reset(&r.bytes)
	r.body.Replay(r.buffer, int64(len(e.body)), e.trailers)
	_, _ = r.buffer.Peek(1) // a small body is all at hand then
	a.Body = &r.body
}

// aged says how old the answer is (RFC 9111 5.1).
func (c *policy) aged(x *exchange.Exchange, e *entry, now time.Time) {
	var digits [20]byte
	x.Answer.Head.AddBytes("Age", strconv.AppendInt(digits[:0], int64(e.aged(now)/time.Second), 10))
}

// drop ends the upstream's answer, which another one replaces.
func drop(x *exchange.Exchange) {
	a := &x.Answer
	release := a.Release
	clean := a.Body == nil || a.Body.Discard()
	a.Status, a.Body, a.Release = 0, nil, nil
	if release != nil {
		release(clean)
	}
}

// Names of fields, and what Cache-Status (RFC 9211) says.
const (
	cacheStatus = "Cache-Status"
	own         = "postern"
)

// tell says how the store was used.
func tell(x *exchange.Exchange, how string) {
	if x.Answer.Status != 0 {
		x.Answer.Head.Add(cacheStatus, how)
	}
}

// tellHit says that no upstream was asked, and for how long that can go on.
func tellHit(x *exchange.Exchange, left time.Duration) {
	var text [64]byte
	b := append(text[:0], own+"; hit; ttl="...)
	x.Answer.Head.AddBytes(cacheStatus, strconv.AppendInt(b, int64(left/time.Second), 10))
}
