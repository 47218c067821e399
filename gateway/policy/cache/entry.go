package cache

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// entry is an answer that is kept. Nothing of it changes.
type entry struct {
	life
	status   int
	reason   []byte
	head     wire.Head
	brief    wire.Head // of a 304 in place of it
	body     []byte
	trailers []byte
	vary     []varying
	epoch    uint32
	size     int64

	tag, modified []byte // validators; nil: none
}

// varying is a field that Vary names, as the request had it.
type varying struct {
	name  string
	value []byte
}

// entrySize is what an entry costs beside its bytes.
const entrySize = 768

// newEntry is the answer of x without its body.
func newEntry(x *exchange.Exchange, l *look, born life) *entry {
	a := &x.Answer
	e := &entry{life: born, status: a.Status, reason: bytes.Clone(a.Reason), epoch: l.version}
	dated, size := false, 0
	a.Head.Visit(func(name, value []byte) {
		if is(name, "age") || is(name, "x-request-id") {
			return
		}
		dated = dated || is(name, "date")
		e.head.AddBytes(string(name), value)
		size += 2 * (len(name) + len(value) + 96) // the text, and what a line costs; mostly
	})
	if !dated {
		e.head.AddBytes("Date", fasthttp.AppendHTTPDate(nil, born.came))
	}
	e.validators()
	e.variation(&x.Head)
	for _, v := range e.vary {
		size += len(v.name) + len(v.value) + 48
	}
	e.size = entrySize + int64(size)
	return e
}

// validators finds what a condition is compared with, and what a 304 says.
func (e *entry) validators() {
	e.tag, e.modified = single(&e.head, "etag"), single(&e.head, "last-modified")
	e.head.Visit(func(name, value []byte) {
		for _, kept := range [...]string{"cache-control", "content-location", "date", "etag", "expires", "vary", "last-modified", "cache-status"} {
			if is(name, kept) {
				e.brief.AddBytes(string(name), value)
			}
		}
	})
}

// variation notes how the request had what the answer varies by.
func (e *entry) variation(request *wire.Head) {
	e.head.Visit(func(name, value []byte) {
		if !is(name, "vary") {
			return
		}
		for len(value) > 0 {
			var item []byte
			item, value, _ = bytes.Cut(value, comma)
			if item = bytes.Trim(item, " \t"); len(item) > 0 {
				lower := string(bytes.ToLower(item))
				e.vary = append(e.vary, varying{lower, join(request, lower)})
			}
		}
	})
}

// join is all lines of a field; nil: there is none.
func join(head *wire.Head, lower string) (value []byte) {
	head.Visit(func(name, line []byte) {
		if is(name, lower) {
			if value != nil {
				value = append(value, ',')
			}
			value = append(value, line...)
			if value == nil {
				value = []byte{}
			}
		}
	})
	return value
}

// fits reports whether a request has what the answer varies by as the first one
// had it.
func (e *entry) fits(request *wire.Head) bool {
	for i := range e.vary {
		if !e.vary[i].fits(request) {
			return false
		}
	}
	return true
}

// fits compares all lines of the field with what was noted, without joining them.
func (v *varying) fits(request *wire.Head) bool {
	rest, first, same := v.value, true, true
	request.Visit(func(name, line []byte) {
		if !same || !is(name, v.name) {
			return
		}
		if !first {
			if same = len(rest) > 0 && rest[0] == ','; !same {
				return
			}
			rest = rest[1:]
		}
		first = false
		if same = bytes.HasPrefix(rest, line); same {
			rest = rest[len(line):]
		}
	})
	return same && len(rest) == 0 && first == (v.value == nil)
}

// asksLike reports whether the requests of two answers are the same to both.
func (e *entry) asksLike(o *entry) bool {
	if len(e.vary) != len(o.vary) {
		return false
	}
	for i := range e.vary {
		if e.vary[i].name != o.vary[i].name || !bytes.Equal(e.vary[i].value, o.vary[i].value) || (e.vary[i].value == nil) != (o.vary[i].value == nil) {
			return false
		}
	}
	return true
}
