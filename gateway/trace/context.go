// Package trace is how the gateway takes part in distributed traces: it reads
// and writes traceparent (W3C Trace Context), decides what is sampled, and
// hands finished spans to a collector. What a span says is written by the room
// that knows the request; nothing here knows one.
//
// otlp.go, which speaks to a collector, is compiled with the build tag otel
// only: OpenTelemetry and protobuf make the binary larger by two fifths. Without
// it NewExporter refuses. Everything else is the same in both builds.
package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// ID names a trace. All zeros is none.
type ID [16]byte

// SpanID names a span. All zeros is none.
type SpanID [8]byte

// Context is an exchange's place in a trace. The zero Context is in none.
type Context struct {
	ID      ID
	Parent  SpanID // the caller's span; zero: the trace begins here
	Span    SpanID // the exchange's own
	Forward SpanID // of the request upstream, told to it as its parent
	Sampled bool
}

// Valid reports whether there is a trace.
func (c *Context) Valid() bool { return c.ID != ID{} }

// Begin makes a trace of its own.
func Begin() Context {
	c := Context{ID: newID()}
	c.name()
	return c
}

// Continue makes the trace that traceparent tells of go on; ok is false when
// the field says nothing that is valid. The caller decides about Sampled, which
// is the caller's wish so far.
func Continue(traceparent []byte) (c Context, ok bool) {
	if c, ok = parse(traceparent); ok {
		c.name()
	}
	return c, ok
}

// name gives the exchange's spans their ids.
func (c *Context) name() { c.Span, c.Forward = NewSpanID(), NewSpanID() }

// newID is random in all its bytes; it is no secret.
func newID() (id ID) {
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], 1+rand.Uint64N(1<<64-1))
	return id
}

// NewSpanID is a random one.
func NewSpanID() (id SpanID) {
	binary.BigEndian.PutUint64(id[:], 1+rand.Uint64N(1<<64-1))
	return id
}

// The fields of traceparent, which are fixed in place: version, trace id,
// parent id, flags (Trace Context 3.2).
const (
	parentLen = 55
	idAt      = 3
	spanAt    = 36
	flagsAt   = 53
)

// sampledFlag is the only flag that level 1 defines; others are sent as zero.
const sampledFlag = 1

// parse reads traceparent as Trace Context 3.2 and 4.3 want it: lower-case hex,
// no zero ids, version 00 of exactly this length, and of later versions what
// 00 defines, if nothing or a dash follows.
func parse(field []byte) (c Context, ok bool) {
	if len(field) < parentLen || field[2] != '-' || field[spanAt-1] != '-' || field[flagsAt-1] != '-' {
		return c, false
	}
	var version, flags [1]byte
	if !unhex(version[:], field[:2]) || !unhex(c.ID[:], field[idAt:]) ||
		!unhex(c.Parent[:], field[spanAt:]) || !unhex(flags[:], field[flagsAt:]) {
		return Context{}, false
	}
	longer := len(field) > parentLen
	switch {
	case version[0] == 0xff, version[0] == 0 && longer, longer && field[parentLen] != '-',
		c.ID == ID{}, c.Parent == SpanID{}:
		return Context{}, false
	}
	c.Sampled = flags[0]&sampledFlag != 0
	return c, true
}

// unhex fills dst from as many lower-case digits as it takes; src is long
// enough.
func unhex(dst, src []byte) bool {
	for i := range dst {
		high, low := digit(src[2*i]), digit(src[2*i+1])
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// digit is the value of a hex digit; above 15 when it is none.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// AppendParent writes the traceparent that the upstream is sent.
func (c *Context) AppendParent(dst []byte) []byte {
	dst = appendHex(append(dst, "00-"...), c.ID[:])
	dst = appendHex(append(dst, '-'), c.Forward[:])
	if c.Sampled {
		return append(dst, "-01"...)
	}
	return append(dst, "-00"...)
}

// AppendID writes the trace's id, and nothing when there is none.
func (c *Context) AppendID(dst []byte) []byte {
	if !c.Valid() {
		return dst
	}
	return appendHex(dst, c.ID[:])
}

func appendHex(dst, src []byte) []byte {
	return hex.AppendEncode(dst, src)
}
