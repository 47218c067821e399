package wire_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"postern/gateway/wire"
)

// opens makes the kinds of body, by name.
var opens = map[string]func(b *wire.Body, br *bufio.Reader){
	"length":  func(b *wire.Body, br *bufio.Reader) { b.SetLength(br, 5) },
	"chunked": func(b *wire.Body, br *bufio.Reader) { b.SetChunked(br) },
	"close":   func(b *wire.Body, br *bufio.Reader) { b.SetUntilClose(br) },
}

func TestBodyRead(t *testing.T) {
	for _, tt := range []struct{ kind, raw, body, rest string }{
		{"length", "abcdeGET", "abcde", "GET"},
		{"chunked", "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\nGET", "abcde", "GET"},
		{"chunked", "0\r\n\r\nGET", "", "GET"},
		{"close", "abcdeGET", "abcdeGET", ""},
	} {
		for _, br := range []*bufio.Reader{newReader(tt.raw), drip(tt.raw)} {
			var b wire.Body
			opens[tt.kind](&b, br)
			got, err := io.ReadAll(&b)
			if err != nil || string(got) != tt.body {
				t.Errorf("%s: read %q, %v; want %q", tt.kind, got, err, tt.body)
			}
			if !b.Done() || b.BytesRead() != int64(len(tt.body)) {
				t.Errorf("%s: done %v after %d bytes", tt.kind, b.Done(), b.BytesRead())
			}
			if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%s: read after the end: %d, %v", tt.kind, n, err)
			}
			if rest, _ := io.ReadAll(br); string(rest) != tt.rest {
				t.Errorf("%s: left %q on the connection, want %q", tt.kind, rest, tt.rest)
			}
		}
	}
}

// RFC 9112 8: a message whose length is known or chunked and that ends earlier
// is incomplete. Half an upload must never pass for a whole one.
func TestBodyTruncated(t *testing.T) {
	for kind, raw := range map[string]string{
		"length":  "abcde",
		"chunked": "2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
	} {
		for cut := range len(raw) {
			for _, br := range []*bufio.Reader{newReader(raw[:cut]), drip(raw[:cut])} {
				var b wire.Body
				opens[kind](&b, br)
				got, err := io.ReadAll(&b)
				if !errors.Is(err, io.ErrUnexpectedEOF) || b.Done() || !strings.HasPrefix("abcde", string(got)) {
					t.Errorf("%s cut at %d: read %q, %v, done %v", kind, cut, got, err, b.Done())
				}
				if b.Discard() {
					t.Errorf("%s cut at %d: the rest was discarded as if it were there", kind, cut)
				}
			}
		}
	}
}

// An error of the connection is passed on, whatever the kind.
func TestBodyReadError(t *testing.T) {
	lost := errors.New("lost")
	for kind, open := range opens {
		var b wire.Body
		open(&b, bufio.NewReader(iotest.ErrReader(lost)))
		_, err := b.Read(make([]byte, 9))
		mustBe(t, err, lost)
		if b.Done() {
			t.Errorf("%s: done", kind)
		}
		open(&b, bufio.NewReader(iotest.ErrReader(lost)))
		mustBe(t, b.Wait(), lost)
	}
}

// Ready promises that a read needs nothing more of the connection; so it must
// be false exactly while a read would ask for more.
func TestBodyReady(t *testing.T) {
	const size = 64
	for _, tt := range []struct {
		kind, raw string
		want      bool
	}{
		{"length", "", false},
		{"length", "a", true},
		{"close", "", false},
		{"close", "a", true},
		{"chunked", "", false},
		{"chunked", "5", false},
		{"chunked", "5\r", false},
		{"chunked", "5\r\n", false},
		{"chunked", "5\r\na", true},
		{"chunked", "5\n", true},
		{"chunked", "x\r\n", true},
		{"chunked", "0\r\n", false},
		{"chunked", "0\r\n\r", false},
		{"chunked", "0\r\n\r\n", true},
		{"chunked", "0\r\nX: y\r\n", false},
		{"chunked", "0\r\nX: y\r\n\r\n", true},
		{"chunked", "0\r\nX: y\n", true},
		{"chunked", "0\r\n\n", true},
		{"chunked", "0\r\nX: y\r\n\n", true},
		{"chunked", strings.Repeat("1", size), true},
		{"chunked", "0\r\nX: " + strings.Repeat("y", size), true},
	} {
		asked := false
		br := bufio.NewReaderSize(io.MultiReader(strings.NewReader(tt.raw), askedFor(&asked)), size)
		if tt.raw != "" {
			_, _ = br.Peek(1) // fills the buffer
		}
		var b wire.Body
		opens[tt.kind](&b, br)
		if got := b.Ready(); got != tt.want {
			t.Errorf("%s %q: ready is %v", tt.kind, tt.raw, got)
		}
		_, _ = b.Read(make([]byte, 1)) // only what it asks for counts
		if asked == tt.want {
			t.Errorf("%s %q: ready is %v, and the connection was asked for more: %v", tt.kind, tt.raw, tt.want, asked)
		}
	}
}

// askedFor notes that it was read from.
func askedFor(asked *bool) io.Reader {
	return readerFunc(func([]byte) (int, error) { *asked = true; return 0, io.EOF })
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Between two chunks the first byte that comes is the end of the one before:
// Wait must go on until there is something to read.
func TestBodyWait(t *testing.T) {
	br := drip("1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
	var b wire.Body
	b.SetChunked(br)
	var got []byte
	for p := make([]byte, 9); !b.Done(); {
		for !b.Ready() {
			if err := b.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := b.Read(p)
		if got = append(got, p[:n]...); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}
	if string(got) != "ab" {
		t.Errorf("read %q", got)
	}
}

func TestBodyWaitAtTheEnd(t *testing.T) {
	for kind, want := range map[string]error{"length": io.ErrUnexpectedEOF, "chunked": io.ErrUnexpectedEOF, "close": io.EOF} {
		var b wire.Body
		opens[kind](&b, newReader(""))
		mustBe(t, b.Wait(), want)
	}
}

func TestBodyInline(t *testing.T) {
	for _, tt := range []struct {
		kind, raw string
		want      bool
	}{{"length", "abcd", false}, {"length", "abcde", true}, {"length", "abcdef", true}, {"chunked", "0\r\n\r\n", false}, {"close", "abcde", false}} {
		br := newReader(tt.raw)
		_, _ = br.Peek(1) // fills the buffer
		var b wire.Body
		opens[tt.kind](&b, br)
		if got := b.Inline(); got != tt.want {
			t.Errorf("%s %q: inline is %v", tt.kind, tt.raw, got)
		}
	}
}

// What was not asked for is dropped when it is here already, and only then.
func TestBodyDiscard(t *testing.T) {
	for _, tt := range []struct {
		kind, raw string
		want      bool
		rest      string
	}{
		{"length", "abcdeGET", true, "GET"},
		{"length", "abcd", false, ""},
		{"chunked", "5\r\nabcde\r\n0\r\nX: y\r\n\r\nGET", true, "GET"},
		{"chunked", "5\r\nabcde\r\n", false, ""},
		{"chunked", "5\r\nabcde\r\n0\r\nX: y\r\n", false, "0\r\nX: y\r\n"},
		{"chunked", "5\r\nabcdeXX0\r\n\r\n", false, "XX0\r\n\r\n"},
		{"close", "abcde", false, ""},
	} {
		asked := false
		br := bufio.NewReader(io.MultiReader(strings.NewReader(tt.raw), askedFor(&asked)))
		_, _ = br.Peek(1) // fills the buffer
		var b wire.Body
		opens[tt.kind](&b, br)
		if got := b.Discard(); got != tt.want || asked {
			t.Errorf("%s %q: discarded %v, asked for more %v", tt.kind, tt.raw, got, asked)
		}
		if rest, _ := br.Peek(br.Buffered()); tt.want && string(rest) != tt.rest {
			t.Errorf("%s %q: left %q, want %q", tt.kind, tt.raw, rest, tt.rest)
		}
	}
}

func TestBodyLength(t *testing.T) {
	var b wire.Body
	b.SetLength(newReader("abcde"), 5)
	_, _ = io.ReadFull(&b, make([]byte, 2))
	if left, ok := b.Length(); left != 3 || !ok || b.Chunked() {
		t.Errorf("left %d, known %v, chunked %v", left, ok, b.Chunked())
	}
	b.SetChunked(newReader(""))
	if _, ok := b.Length(); ok || !b.Chunked() || b.BytesRead() != 0 {
		t.Errorf("known %v, chunked %v, read %d", ok, b.Chunked(), b.BytesRead())
	}
	b.SetLength(newReader(""), 0)
	if !b.Done() || !b.Discard() {
		t.Error("an empty body is not done")
	}
}

// each gives text byte by byte, one in every interval.
func each(interval time.Duration, text string) *bufio.Reader {
	rest := text
	return bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		<-time.After(interval)
		if rest == "" {
			return 0, io.EOF
		}
		n := copy(p[:1], rest)
		rest = rest[n:]
		return n, nil
	}), headSize)
}

func TestBodyRate(t *testing.T) {
	long := strings.Repeat("a", 1000)
	for _, tt := range []struct {
		name     string
		interval time.Duration
		rate     int64
		relay    bool // reads after waiting, as a relay does
		want     error
	}{
		{"off", time.Second, 0, false, nil},
		{"fast enough", 90 * time.Millisecond, 10, false, nil},
		{"too slow", 110 * time.Millisecond, 10, false, wire.ErrSlow},
		{"too slow for a relay", 110 * time.Millisecond, 10, true, wire.ErrSlow},
		{"fast enough for a relay", 90 * time.Millisecond, 10, true, nil},
	} {
		for kind, text := range map[string]string{"length": long, "chunked": "3e8\r\n" + long + "\r\n0\r\n\r\n"} {
			t.Run(fmt.Sprint(tt.name, " ", kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var b wire.Body
					if b.SetLength(each(tt.interval, text), 1000); kind == "chunked" {
						b.SetChunked(each(tt.interval, text))
					}
					b.KeepRate(tt.rate)
					begun := time.Now()
					mustBe(t, readBody(&b, tt.relay), tt.want)
					// The first moments are free: a slow start is no attack.
					if took := time.Since(begun); tt.want != nil && (took < 10*time.Second || took > 11*time.Second) {
						t.Errorf("broken off after %v", took)
					}
				})
			})
		}
	}
}

func readBody(b *wire.Body, wait bool) error {
	for p := make([]byte, 64); ; {
		if wait && !b.Ready() {
			if err := b.Wait(); err != nil {
				return err
			}
			continue
		}
		if _, err := b.Read(p); b.Done() {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A target that takes its time must not make the caller look slow.
func TestBodyRateCountsTheCallerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b wire.Body
		b.SetLength(each(time.Millisecond, strings.Repeat("a", 60)), 60)
		b.KeepRate(100)
		for range 60 {
			if _, err := b.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
		}
	})
}
