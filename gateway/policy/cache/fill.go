package cache

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// fill is an answer on its way into the store, or a flight that will bring none.
// It belongs to the goroutine of its exchange.
type fill struct {
	store    *Store
	key      string
	flight   *flight // nil: nobody waits
	epoch    *atomic.Uint32
	entry    *entry // nil: nothing is kept
	body     *wire.Body
	data     []byte
	reserved int64
	done     bool
}

// firstRoom is what is taken for a body of unknown length; then it doubles.
const firstRoom = 4 << 10

// fill is begun when an answer must be waited for or may be kept.
func (c *policy) fill(x *exchange.Exchange, l *look, f found) *fill {
	made := &fill{store: c.store, key: string(l.key), epoch: l.epoch}
	if f.leads {
		made.flight = f.flight
	}
	x.AtEnd(made.end)
	return made
}

// begin keeps the answer of x once it has come whole; false: there is no room for
// it.
func (f *fill) begin(x *exchange.Exchange, e *entry) bool {
	a := &x.Answer
	length := a.Length
	if a.Body == nil {
		length = 0
	}
	if length > f.store.maxEntry || !f.take(e.size+int64(len(f.key))+recordSize+max(length, 0)) {
		return false
	}
	f.entry = e
	switch {
	case a.Body == nil || a.Body.Done():
		f.keep()
	case length >= 0:
		f.data = make([]byte, 0, length)
		fallthrough
	default:
		f.body = a.Body
		a.Body.Tap(f.read)
	}
	return true
}

// take reserves room; what is reserved is given back or kept.
func (f *fill) take(n int64) bool {
	if !f.store.reserve(n) {
		return false
	}
	f.reserved += n
	return true
}

// read is a piece of the body.
func (f *fill) read(p []byte, whole bool) {
	if f.entry == nil {
		return
	}
	if need := len(f.data) + len(p); need > cap(f.data) {
		size := max(2*cap(f.data), need, firstRoom)
		size = min(size, max(int(f.store.maxEntry), need))
		if int64(need) > f.store.maxEntry || !f.take(int64(size-cap(f.data))) {
			f.giveUp()
			return
		}
		f.data = append(make([]byte, 0, size), f.data...)
	}
	f.data = append(f.data, p...)
	if whole {
		f.entry.trailers = f.body.Trailers(&f.entry.head)
		f.keep()
	}
}

// keep puts the whole answer into the store, unless something has ended it since
// it was asked for.
func (f *fill) keep() {
	e := f.entry
	if e.epoch != f.epoch.Load() {
		f.giveUp()
		return
	}
	if e.body = f.data; cap(e.body) > len(e.body)+len(e.body)/4 {
		e.body = bytes.Clone(e.body)
	}
	e.size += int64(cap(e.body) + len(e.trailers))
	f.entry, f.data = nil, nil
	f.store.release(f.reserved - e.size)
	f.reserved = 0
	f.store.keep(f.key, e)
	f.land(true)
}

// giveUp keeps nothing.
func (f *fill) giveUp() {
	f.entry, f.data = nil, nil
	f.store.release(f.reserved)
	f.reserved = 0
	f.land(false)
}

// land lets go who waits.
func (f *fill) land(kept bool) {
	if f.done || f.flight == nil {
		f.done = true
		return
	}
	f.done = true
	if f.store.land(f.key, f.flight) > 0 && !kept {
		f.store.pass(f.key, time.Now())
	}
}

// end is that of the exchange: what has not come whole by now never will.
func (f *fill) end(exchange.End) {
	if !f.done || f.reserved != 0 {
		f.giveUp()
	}
}

// unchanged says that the upstream has confirmed what is kept.
func unchanged(x *exchange.Exchange) bool {
	return x.Answer.Status == http.StatusNotModified
}
