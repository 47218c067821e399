package wire_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"postern/gateway/wire"
)

// RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF.
var chunkedBodies = []struct {
	name, raw string
	want      error
}{
	{"ordinary", "3\r\nabc\r\n0\r\n\r\n", nil},
	{"hexadecimal, both cases", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", nil},
	{"leading zeros", "003\r\nabc\r\n000\r\n\r\n", nil},
	{"extension", "3;a\r\nabc\r\n0;b=c\r\n\r\n", nil},
	{"extensions", "3;a=b;c=\"d e\"\r\nabc\r\n0\r\n\r\n", nil},
	{"space before an extension", "3 ; a = b\r\nabc\r\n0\r\n\r\n", nil},
	{"trailers", "3\r\nabc\r\n0\r\nX: y\r\n\r\n", nil},
	{"no size", "\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"no size, extension", ";a\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"not hexadecimal", "g\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"prefix", "0x3\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"signed", "+3\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"negative", "-3\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"underscore", "1_0\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"space before", " 3\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"space after", "3 \r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"tab after", "3\t\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"63 bits", "8000000000000000\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"too many digits", "0000000000000003\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"empty extension", "3;\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"blank extension", "3; \r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"extension without a name", "3;=a\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"junk after the size", "3 abc\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"NUL in an extension", "3;a\x00\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"bare LF after the size", "3\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"bare LF after an extension", "3;a\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"LF first", "\n3\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"endless extension", "3;" + strings.Repeat("a", headSize) + "\r\nabc\r\n0\r\n\r\n", wire.ErrChunk},
	{"chunks of a byte", strings.Repeat("1\r\na\r\n", 50_000) + "0\r\n\r\n", nil},
	{"extension on every large chunk", strings.Repeat("400;"+strings.Repeat("a", 900)+"\r\n"+strings.Repeat("b", 1024)+"\r\n", 64) + "0\r\n\r\n", nil},
	{"extensions and no data", strings.Repeat("1;"+strings.Repeat("a", 900)+"\r\nb\r\n", 20) + "0\r\n\r\n", wire.ErrChunk},
	{"data too long", "3\r\nabcd\r\n0\r\n\r\n", wire.ErrChunk},
	{"data too short", "3\r\nab\r\n0\r\n\r\n", wire.ErrChunk},
	{"no CRLF after data", "3\r\nabc0\r\n\r\n", wire.ErrChunk},
	{"bare LF after data", "3\r\nabc\n0\r\n\r\n", wire.ErrChunk},
	{"bare CR after data", "3\r\nabc\r0\r\n\r\n", wire.ErrChunk},
	{"bare LF after the last size", "0\n\r\n", wire.ErrChunk},
	{"bare LF at the end", "0\r\n\n", wire.ErrTrailers},
	{"trailer with bare LF", "0\r\nX: y\n\r\n", wire.ErrTrailers},
	{"trailer folded", "0\r\nX: y\r\n z\r\n\r\n", wire.ErrTrailers},
	{"trailer without colon", "0\r\nX\r\n\r\n", wire.ErrTrailers},
	{"trailer with space before colon", "0\r\nX : y\r\n\r\n", wire.ErrTrailers},
	{"trailer with NUL", "0\r\nX: \x00\r\n\r\n", wire.ErrTrailers},
	{"trailer too long", "0\r\nX: " + strings.Repeat("y", headSize) + "\r\n\r\n", wire.ErrTrailers},
	{"trailers too long", "0\r\n" + strings.Repeat("X: y\r\n", headSize/6+1) + "\r\n", wire.ErrTrailers},
}

func TestChunked(t *testing.T) {
	for _, tt := range chunkedBodies {
		t.Run(tt.name, func(t *testing.T) {
			var b wire.Body
			for range 2 {
				b.SetChunked(newReader(tt.raw))
				_, err := io.Copy(io.Discard, &b)
				mustBe(t, err, tt.want)
				if b.Done() != (tt.want == nil) {
					t.Errorf("done is %v", b.Done())
				}
				if err != nil && !wire.IsRefusal(err) {
					t.Errorf("%v is not taken for a refusal", err)
				}
				b.SetChunked(drip(tt.raw))
				_, err = io.Copy(io.Discard, &b)
				mustBe(t, err, tt.want)
			}
		})
	}
}

// What follows a broken chunk is not the rest of the body: a caller could hide
// a request in it that the next reader sees and the gateway does not.
func TestBrokenBodyStaysBroken(t *testing.T) {
	for _, raw := range []string{
		"0\r\n5\r\nabcde\r\n0\r\n\r\n",
		"0\r\nX\r\n0\r\n\r\n",
		"x\r\n3\r\nabc\r\n0\r\n\r\n",
		"3\r\nabcd\r\n0\r\n\r\n",
	} {
		br := newReader(raw)
		var b wire.Body
		b.SetChunked(br)
		_, first := io.Copy(io.Discard, &b)
		if !wire.IsRefusal(first) {
			t.Fatalf("%q: read with %v", raw, first)
		}
		_, second := b.Read(make([]byte, 9))
		if !errors.Is(second, first) || !b.Ready() || b.Discard() || b.Done() {
			t.Errorf("%q: then %v, done %v", raw, second, b.Done())
		}
	}
}

// A large chunk is read without being held.
func TestChunkLargerThanReader(t *testing.T) {
	const size = 1 << 20
	var b wire.Body
	b.SetChunked(newReader("100000\r\n" + strings.Repeat("a", size) + "\r\n0\r\n\r\n"))
	if n, err := io.Copy(io.Discard, &b); n != size || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

// RFC 9110 6.5.1: "must not be generated ... for framing, routing, request
// modifiers, authentication, response control data".
func TestTrailers(t *testing.T) {
	m := readHead(t, "X-User: caller\r\nX-Other: 1\r\n")
	m.head.Del("X-User")
	m.head.Set("X-Claim", "1")
	for _, tt := range []struct{ name, lines, want string }{
		{"none", "", ""},
		{"as received", "x-SUM:  1 \r\nX-Sum: 2\r\n", "x-SUM:  1 \r\nX-Sum: 2\r\n"},
		{"also in the head", "X-Other: 2\r\n", "X-Other: 2\r\n"},
		{"framing", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nTE: trailers\r\nX-Sum: 1\r\n", "X-Sum: 1\r\n"},
		{"connection", "Connection: close\r\nUpgrade: h2c\r\nKeep-Alive: 1\r\nX-Sum: 1\r\n", "X-Sum: 1\r\n"},
		{"routing", "Host: b\r\nForwarded: for=1\r\nX-Forwarded-For: 1\r\nVia: x\r\n", ""},
		{"identity", "Authorization: Bearer x\r\nCookie: a\r\nSet-Cookie: a\r\nProxy-Authorization: x\r\nWWW-Authenticate: x\r\n", ""},
		{"content", "Content-Type: a\r\nContent-Encoding: b\r\nContent-Range: c\r\n", ""},
		{"modifiers", "Cache-Control: no\r\nRange: a\r\nIf-Match: b\r\nMax-Forwards: 1\r\nExpect: 100-continue\r\n", ""},
		{"twins", "X_Forwarded_For: 1\r\nContent_Length: 5\r\nIf_Match: a\r\nSet_Cookie: a\r\n", ""},
		{"removed by a policy", "X-User: admin\r\nx_user: admin\r\n", ""},
		{"set by a policy", "x-claim: admin\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b wire.Body
			b.SetChunked(newReader("0\r\n" + tt.lines + "\r\n"))
			if _, err := io.Copy(io.Discard, &b); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got := string(b.Trailers(&m.head)); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// A body is used for one message after the other.
func TestTrailersOfTheLastMessage(t *testing.T) {
	var b wire.Body
	b.SetChunked(newReader("0\r\nX: y\r\n\r\n"))
	_, _ = io.Copy(io.Discard, &b) // its trailers are what counts
	b.SetChunked(newReader("0\r\n\r\n"))
	_, _ = io.Copy(io.Discard, &b) // likewise
	if got := b.Trailers(new(wire.Head)); len(got) != 0 {
		t.Errorf("trailers of the message before: %q", got)
	}
}
