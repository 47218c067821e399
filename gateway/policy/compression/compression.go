// Package compression compresses answers that the upstream has sent as they are.
//
//	compression.go  the policy: which answers
//	negotiate.go    what the caller accepts
//	stream.go       an answer that is compressed as it comes
//	encoder.go      the codings
package compression

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// policy is one section at work.
type policy struct {
	names   []string
	codings []*coding
	minSize int64
	types   []kind
	max     int64
	running atomic.Int64
	streams sync.Pool
}

// kind is a content type: all of it, or what it begins and ends with.
type kind struct {
	whole, prefix, suffix string
}

// counts are those of a coding.
type counts struct{ answers, read, written *metrics.Counter }

// New builds the policy.
func New(cfg *config.Compression, m *metrics.Instruments) exchange.Policy {
	c := &policy{names: cfg.Codings, minSize: int64(cfg.MinSize), max: int64(cfg.Max)}
	for _, name := range cfg.Codings {
		made := newCoding(name, cfg.Level)
		made.count = counts{m.Compressed(name), m.CompressedRead(name), m.CompressedWritten(name)}
		c.codings = append(c.codings, made)
	}
	for _, pattern := range cfg.Types {
		pattern = strings.ToLower(pattern)
		prefix, suffix, wild := strings.Cut(pattern, "*")
		if !wild {
			c.types = append(c.types, kind{whole: pattern})
			continue
		}
		c.types = append(c.types, kind{prefix: prefix, suffix: suffix})
	}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			found := negotiate(&x.Head, c.names) // before others change what the caller says
			if err := next(x); err != nil {
				return err
			}
			c.answer(x, found)
			return nil
		}
	}
}

// answer compresses the answer of x, if that is good for anything.
func (c *policy) answer(x *exchange.Exchange, found int) {
	a := &x.Answer
	head := x.HTTP.IsHead()
	if !c.fits(x, head) {
		return
	}
	if !varies(&a.Head) {
		a.Head.Add(fasthttp.HeaderVary, "Accept-Encoding")
	}
	if found == none {
		return
	}
	if !head {
		if c.running.Add(1) > c.max {
			c.running.Add(-1)
			return
		}
		c.start(a, c.codings[found])
	}
	a.Length = -1
	rewrite(&a.Head, c.names[found])
}

// fits reports whether an answer may be compressed, and is worth it.
func (c *policy) fits(x *exchange.Exchange, head bool) bool {
	a := &x.Answer
	if a.Status < 200 || a.Tunnel != nil || x.Request.HTTP10 {
		return false
	}
	switch a.Status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent, http.StatusNotModified:
		return false
	}
	if !head && (a.Body == nil || a.Body.Done()) || a.Length >= 0 && a.Length < c.minSize {
		return false
	}
	return c.worth(&a.Head)
}

// worth looks at the fields of an answer: its type, and whether it may be changed.
func (c *policy) worth(head *wire.Head) bool {
	types, good := 0, true
	head.Visit(func(name, value []byte) {
		switch {
		case is(name, "content-type"):
			types++
			good = good && c.listed(value)
		case is(name, "content-encoding"), is(name, "content-range"):
			good = false
		case is(name, "cache-control"):
			good = good && !holds(value, "no-transform")
		}
	})
	return good && types == 1
}

// listed reports whether a content type is one of those that are compressed.
func (c *policy) listed(value []byte) bool {
	value, _, _ = bytes.Cut(value, []byte{';'})
	value = bytes.TrimRight(value, " \t")
	if is(value, "text/event-stream") {
		return false
	}
	for i := range c.types {
		if c.types[i].fits(value) {
			return true
		}
	}
	return false
}

func (k *kind) fits(value []byte) bool {
	if k.whole != "" {
		return is(value, k.whole)
	}
	n := len(value)
	return n > len(k.prefix)+len(k.suffix) && is(value[:len(k.prefix)], k.prefix) && is(value[n-len(k.suffix):], k.suffix)
}

// holds reports whether a list of tokens holds token.
func holds(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, comma)
		if is(bytes.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// varies reports whether the answer says that it varies by what is accepted.
func varies(head *wire.Head) (yes bool) {
	head.Visit(func(name, value []byte) {
		yes = yes || is(name, "vary") && (holds(value, "accept-encoding") || holds(value, "*"))
	})
	return yes
}

// rewrite says what the body is now. The bytes are others than those that tags and
// digests name, and parts of them cannot be asked for.
func rewrite(head *wire.Head, coding string) {
	head.Add(fasthttp.HeaderContentEncoding, coding)
	for _, name := range [...]string{"Content-MD5", "Content-Digest", "Repr-Digest", "Digest", "Accept-Ranges"} {
		if head.Get(name) != nil {
			head.Del(name)
		}
	}
	if tag := head.Get(fasthttp.HeaderETag); tag != nil && !bytes.HasPrefix(tag, weak) {
		head.Edit(fasthttp.HeaderETag, weaken)
	}
}

var weak = []byte("W/")

func weaken(dst, value []byte) []byte { return append(append(dst, weak...), value...) }
