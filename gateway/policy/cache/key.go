package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
)

// parts are what of a request tells its answer from others.
type parts struct {
	shared  bool // among identified callers
	fixed   bool // mode ttl
	headers []part
	query   []part // nil: the whole query
	payload []payload
	bodies  *message.Bodies
}

type part struct {
	name string
	only []string
}

type payload struct {
	expression *message.Expression
	only       []string
}

// allows says whether answers for the value are kept.
func allows(only []string, value []byte) bool {
	return len(only) == 0 || slices.ContainsFunc(only, func(o string) bool { return o == string(value) })
}

// put appends a part so that no two lists of parts look the same.
func put(key, part []byte) []byte {
	return append(binary.AppendUvarint(key, uint64(len(part))), part...)
}

func putText(key []byte, part string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(part))), part...)
}

// Marks begin parts of which there may be any number.
const (
	markEdited = 1 + iota
	markForwarded
	markHeader
	markQuery
	markWholeQuery
	markPayload
	markAuthorization
	markCookie
	markCaller
)

// appendKey makes the key of a request; keep is false where nothing is kept. The
// error is a *problem.Problem.
func (p *parts) appendKey(key []byte, x *exchange.Exchange, l *look) (_ []byte, keep bool, err error) {
	var flags byte
	if x.OverTLS() {
		flags |= 1
	}
	if l.post {
		flags |= 2
	}
	if x.Query != nil {
		flags |= 4
	}
	key = append(key, flags)
	key = put(key, x.HTTP.Request.Header.Host())
	key = put(key, x.Path)
	key = put(key, x.Rest)
	key = put(putText(key, x.Rule), x.SentRest()) // where it goes may depend on anything
	key = p.appendCaller(key, x, l)
	key = appendWritten(key, x)
	if key, keep = p.appendHeaders(key, x); !keep {
		return key, false, nil
	}
	if key, keep = p.appendQuery(key, x.Query); !keep {
		return key, false, nil
	}
	if l.post {
		return p.appendPayload(key, x)
	}
	return key, true, nil
}

// appendCaller is who asks, as the gateway or the upstream knows it.
func (p *parts) appendCaller(key []byte, x *exchange.Exchange, l *look) []byte {
	x.Head.Visit(func(name, value []byte) {
		switch {
		case is(name, "authorization"):
			key = putSecret(append(key, markAuthorization), value)
			l.credentials = true
		case is(name, "cookie"):
			l.credentials = true
			if !p.shared || p.fixed {
				key = putSecret(append(key, markCookie), value)
			}
		}
	})
	c := &x.Caller
	if c.By == "" {
		return key
	}
	l.credentials = true
	key = append(key, markCaller)
	if p.shared {
		return key
	}
	for _, text := range [...]string{c.By, c.Issuer, c.Subject, c.User, c.Application.ID, c.Application.Name} {
		key = putText(key, text)
	}
	return key
}

// putSecret keeps a credential out of memory that lives long.
func putSecret(key, secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return append(key, sum[:]...)
}

// appendWritten are the fields that policies have set, such as those of claims, and
// what a trusted proxy says of what was asked for.
func appendWritten(key []byte, x *exchange.Exchange) []byte {
	x.Head.VisitEdited(func(name, value []byte) {
		if !ownField(name) {
			key = put(put(append(key, markEdited), name), value)
		}
	})
	if x.Trusted {
		x.Head.Visit(func(name, value []byte) {
			if forwardedField(name) && !is(name, "x-forwarded-for") {
				key = put(put(append(key, markForwarded), name), value)
			}
		})
	}
	return key
}

func (p *parts) appendHeaders(key []byte, x *exchange.Exchange) (_ []byte, keep bool) {
	for i := range p.headers {
		h, found := &p.headers[i], false
		keep = true
		x.Head.Visit(func(name, value []byte) {
			if is(name, h.name) {
				found = true
				keep = keep && allows(h.only, value)
				key = put(append(key, markHeader, byte(i)), value)
			}
		})
		if !keep || len(h.only) > 0 && !found {
			return key, false
		}
	}
	return key, true
}

func (p *parts) appendQuery(key, query []byte) (_ []byte, keep bool) {
	if p.query == nil {
		return put(append(key, markQuery), query), true
	}
	if bytes.IndexByte(query, ';') >= 0 { // some servers read it as "&", and find other parameters
		key = put(append(key, markWholeQuery), query)
	}
	for i := range p.query {
		q, found := &p.query[i], false
		for rest := query; len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, ampersand)
			name, value, _ := bytes.Cut(pair, equals)
			if !named(name, q.name) {
				continue
			}
			found = true
			plain := unescape(value)
			if !allows(q.only, plain) {
				return key, false
			}
			key = put(append(key, markQuery, byte(i)), plain)
		}
		if len(q.only) > 0 && !found {
			return key, false
		}
	}
	return key, true
}

var (
	ampersand = []byte{'&'}
	equals    = []byte{'='}
)

// named compares a name in a query with one that is not escaped.
func named(escaped []byte, name string) bool {
	return string(unescape(escaped)) == name
}

// unescape undoes the escapes of a query; what is none stays.
func unescape(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 && bytes.IndexByte(text, '+') < 0 {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '+':
			plain = append(plain, ' ')
		case c == '%' && i+2 < len(text) && hex(text[i+1]) >= 0 && hex(text[i+2]) >= 0:
			plain = append(plain, byte(hex(text[i+1])<<4|hex(text[i+2])))
			i += 2
		default:
			plain = append(plain, c)
		}
	}
	return plain
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// appendPayload is what the expressions find in the body. It is a function of its
// own, for what Find calls is on the heap.
func (p *parts) appendPayload(key []byte, x *exchange.Exchange) (_ []byte, keep bool, err error) {
	m, err := p.bodies.Request(x)
	if err != nil {
		return key, false, err
	}
	for i := range p.payload {
		keep = len(p.payload[i].only) == 0
		broken := p.payload[i].expression.Find(m, func(value string) bool {
			keep = allows(p.payload[i].only, []byte(value))
			key = putText(append(key, markPayload, byte(i)), value)
			return keep
		})
		var told *problem.Problem
		switch {
		case errors.As(broken, &told):
			return key, false, broken
		case broken != nil || !keep:
			return key, false, nil // the upstream is to judge it
		}
	}
	return key, true, nil
}
