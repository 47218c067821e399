package cache

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// look is one request's look into the store.
type look struct {
	key         []byte
	asked       request
	control     control // what the caller wants; empty in mode ttl
	post        bool    // told from others by its body
	credentials bool    // RFC 9111 3.5: what is answered is for this caller, unless said otherwise
	epoch       *atomic.Uint32
	version     uint32 // of epoch, when it was asked

	told          why    // of the answer
	noneMatch     []byte // the caller's own conditions; nil: none
	modifiedSince []byte
}

// good reports whether an entry may be given without asking the upstream.
func (l *look) good(e *entry) bool {
	if e == nil {
		return false
	}
	left := e.left(l.asked.sent)
	if left <= 0 || l.control.noCache {
		return false
	}
	q := &l.control
	return (q.maxAge == unsaid || e.aged(l.asked.sent) <= time.Duration(q.maxAge)*time.Second) &&
		(q.minFresh == unsaid || left >= time.Duration(q.minFresh)*time.Second)
}

// conditions notes those of the caller. They are copied only where they may be
// replaced.
func (l *look) conditions(head *wire.Head, copied bool) {
	l.noneMatch, l.modifiedSince = head.Get(fasthttp.HeaderIfNoneMatch), head.Get(fasthttp.HeaderIfModifiedSince)
	if copied {
		l.noneMatch, l.modifiedSince = bytes.Clone(l.noneMatch), bytes.Clone(l.modifiedSince)
	}
}

// has reports whether the caller has the answer already (RFC 9110 13.2.2).
func (l *look) has(e *entry) bool {
	if l.noneMatch != nil {
		return e.tag != nil && matches(l.noneMatch, e.tag) || len(l.noneMatch) == 1 && l.noneMatch[0] == '*'
	}
	if l.modifiedSince == nil || e.modified == nil {
		return false
	}
	if bytes.Equal(l.modifiedSince, e.modified) {
		return true
	}
	since, ok := date(l.modifiedSince)
	changed, known := date(e.modified)
	return ok && known && !changed.After(since)
}

// matches compares a list of entity tags weakly (RFC 9110 8.8.3.2).
func matches(list, tag []byte) bool {
	tag = bytes.TrimPrefix(tag, weak)
	for len(list) > 0 {
		list = bytes.TrimLeft(list, " \t,")
		list = bytes.TrimPrefix(list, weak)
		if len(list) == 0 || list[0] != '"' {
			return false
		}
		end := bytes.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if bytes.Equal(list[:end+2], tag) {
			return true
		}
		list = list[end+2:]
	}
	return false
}

var weak = []byte("W/")

// kind is what a request is to the store.
type kind uint8

const (
	asks    kind = iota // may be answered from it
	ignored             // is none of its business
	changes             // changes what is kept
)

// kindOf looks at the method first: whatever says that it is another one makes a
// request ignored, and so does whatever else makes its answer special.
func (c *policy) kindOf(x *exchange.Exchange, l *look) kind {
	switch string(x.SentMethod()) {
	case http.MethodGet, http.MethodHead:
		if x.Body != nil || special(&x.Head) {
			return ignored
		}
		return asks
	case http.MethodOptions:
		return ignored
	case http.MethodPost:
		if l.post = len(c.payload) > 0; l.post {
			if special(&x.Head) {
				return ignored
			}
			return asks
		}
	}
	return changes
}

// special reports whether a request asks for a part, has conditions on changes,
// switches protocols, or says that it means another method or address.
func special(head *wire.Head) (yes bool) {
	if head.Upgrading() {
		return true
	}
	head.Visit(func(name, _ []byte) {
		if c := name[0] | 0x20; c != 'r' && c != 'i' && c != 'x' {
			return
		}
		for _, s := range [...]string{
			"range", "if-range", "if-match", "if-unmodified-since",
			"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "x-original-host", "x-host",
		} {
			if wire.SameName(name, s) { // as some servers read it
				yes = true
			}
		}
	})
	return yes
}
