package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"postern/gateway/wire"
)

// relayed runs a relay from br to a connection and returns what arrived.
func relayed(t *testing.T, r *wire.Relay, head string) (got string, readErr, writeErr error) {
	t.Helper()
	to, far := pair(t)
	arrived := make(chan string)
	go func() {
		all, _ := io.ReadAll(far)
		arrived <- string(all)
	}()
	r.To = to
	piece := wire.Piece()
	*piece = append(*piece, head...)
	readErr, writeErr = r.Run(piece)
	_ = to.Close() // ends what far reads
	return <-arrived, readErr, writeErr
}

func TestRelay(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4<<10)
	for _, tt := range []struct {
		name    string
		open    func(b *wire.Body)
		chunked bool
		want    string
		sent    int64
	}{
		{"length", func(b *wire.Body) { b.SetLength(newReader("abc"), 3) }, false, "abc", 3},
		{"length, empty", func(b *wire.Body) { b.SetLength(newReader(""), 0) }, false, "", 0},
		{"length to chunks", func(b *wire.Body) { b.SetLength(newReader("abc"), 3) }, true, "3\r\nabc\r\n0\r\n\r\n", 3},
		{"until close", func(b *wire.Body) { b.SetUntilClose(newReader("abc")) }, false, "abc", 3},
		{"until close to chunks", func(b *wire.Body) { b.SetUntilClose(newReader("abc")) }, true, "3\r\nabc\r\n0\r\n\r\n", 3},
		{"until close, empty, to chunks", func(b *wire.Body) { b.SetUntilClose(newReader("")) }, true, "0\r\n\r\n", 0},
		{"chunks", func(b *wire.Body) { b.SetChunked(newReader("1;x\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n")) }, true, "1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n", 3},
		{"chunks to bytes", func(b *wire.Body) { b.SetChunked(newReader("1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n")) }, false, "abc", 3},
		{"long", func(b *wire.Body) { b.SetLength(newReader(long), int64(len(long))) }, false, long, int64(len(long))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b wire.Body
			tt.open(&b)
			r := wire.Relay{Body: &b, Chunked: tt.chunked, Head: new(wire.Head), Whole: new(atomic.Bool)}
			got, readErr, writeErr := relayed(t, &r, "head ")
			if got != "head "+tt.want || readErr != nil || writeErr != nil {
				t.Errorf("got %.200q, %v, %v; want %.200q", got, readErr, writeErr, tt.want)
			}
			if r.Sent != tt.sent || !r.Whole.Load() {
				t.Errorf("sent %d, whole %v; want %d", r.Sent, r.Whole.Load(), tt.sent)
			}
		})
	}
}

// Framing does not depend on how the bytes come in, and another reader takes it
// for the same body.
func TestRelayLongInChunks(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 40<<10)
	var framed bytes.Buffer
	for rest, n := body, 1; rest != ""; n = n*3 + 1 {
		n = min(n%70000+1, len(rest))
		fmt.Fprintf(&framed, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	framed.WriteString("0\r\n\r\n")
	for _, size := range []int{1 << 10, 4 << 10, 64 << 10, 1 << 20} {
		for name, raw := range map[string]io.Reader{"at once": strings.NewReader(framed.String()), "in halves": iotest.HalfReader(strings.NewReader(framed.String()))} {
			var b wire.Body
			b.SetChunked(bufio.NewReaderSize(raw, size))
			r := wire.Relay{Body: &b, Chunked: true, Head: new(wire.Head)}
			got, readErr, writeErr := relayed(t, &r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			if readErr != nil || writeErr != nil {
				t.Fatalf("reader of %d, %s: %v, %v", size, name, readErr, writeErr)
			}
			response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if all, err := io.ReadAll(response.Body); err != nil || string(all) != body {
				t.Errorf("reader of %d, %s: read %d bytes, %v; want %d", size, name, len(all), err, len(body))
			}
		}
	}
}

// A target's head and every part of its body go on as soon as they are there.
func TestRelayHoldsNothingBack(t *testing.T) {
	for _, tt := range []struct {
		name    string
		open    func(b *wire.Body, br *bufio.Reader)
		chunked bool
		in, out string // of an event
	}{
		{"chunks", func(b *wire.Body, br *bufio.Reader) { b.SetChunked(br) }, true, "6\r\ndata: \r\n", "6\r\ndata: \r\n"},
		{"length", func(b *wire.Body, br *bufio.Reader) { b.SetLength(br, 1000) }, false, "data: ", "data: "},
		{"until close to chunks", func(b *wire.Body, br *bufio.Reader) { b.SetUntilClose(br) }, true, "data: ", "6\r\ndata: \r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, upstream := pair(t)
			to, caller := pair(t)
			var b wire.Body
			tt.open(&b, bufio.NewReaderSize(from, headSize))
			r := wire.Relay{To: to, Body: &b, Chunked: tt.chunked, Head: new(wire.Head)}
			done := make(chan struct{})
			go func() {
				defer close(done)
				piece := wire.Piece()
				*piece = append(*piece, "head "...)
				_, _ = r.Run(piece) // what arrives is what counts
			}()
			expect(t, caller, "head ")
			for range 5 {
				send(t, upstream, tt.in)
				expect(t, caller, tt.out)
			}
			_ = upstream.Close() // ends the relay
			<-done
		})
	}
}

// The end of a chunk may come with the next one; the event must not wait for it.
func TestRelayPassesAChunkOnBeforeItsEnd(t *testing.T) {
	from, upstream := pair(t)
	to, caller := pair(t)
	var b wire.Body
	b.SetChunked(bufio.NewReaderSize(from, headSize))
	r := wire.Relay{To: to, Body: &b, Chunked: true, Head: new(wire.Head)}
	done := make(chan error)
	go func() { readErr, writeErr := r.Run(wire.Piece()); done <- errors.Join(readErr, writeErr) }()
	send(t, upstream, "1\r\na")
	expect(t, caller, "1\r\na\r\n")
	for _, part := range []string{"\r", "\n2", "\r\n"} {
		send(t, upstream, part)
	}
	send(t, upstream, "bc\r\n0\r\nX: y\r\n")
	expect(t, caller, "2\r\nbc\r\n")
	send(t, upstream, "\r\n")
	expect(t, caller, "0\r\nX: y\r\n\r\n")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A large download of known length is whole, whatever the pieces.
func TestRelayLarge(t *testing.T) {
	const size = 8 << 20
	from, upstream := pair(t)
	go func() {
		block := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
		for range size / len(block) {
			if _, err := upstream.Write(block); err != nil {
				return
			}
		}
	}()
	var b wire.Body
	b.SetLength(bufio.NewReaderSize(from, 16<<10), size)
	r := wire.Relay{Body: &b}
	got, readErr, writeErr := relayed(t, &r, "")
	if readErr != nil || writeErr != nil || r.Sent != size {
		t.Fatalf("sent %d, %v, %v", r.Sent, readErr, writeErr)
	}
	if got != strings.Repeat("0123456789abcdef", size/16) {
		t.Errorf("%d bytes arrived, or others than were sent", len(got))
	}
}

// A body that breaks is never ended as if it were whole, and what had come of
// it goes on.
func TestRelayReadError(t *testing.T) {
	for _, tt := range []struct {
		name, raw, want string
		err             error
	}{
		{"cut between chunks", "1\r\na\r\n", "1\r\na\r\n", io.ErrUnexpectedEOF},
		{"cut in a chunk", "5\r\nab", "2\r\nab\r\n", io.ErrUnexpectedEOF},
		{"cut before the trailers' end", "1\r\na\r\n0\r\nX: y\r\n", "1\r\na\r\n", io.ErrUnexpectedEOF},
		{"malformed", "1\r\na\r\nx\r\n", "1\r\na\r\n", wire.ErrChunk},
		{"malformed trailer", "1\r\na\r\n0\r\nX\r\n\r\n", "1\r\na\r\n", wire.ErrTrailers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b wire.Body
			b.SetChunked(newReader(tt.raw))
			r := wire.Relay{Body: &b, Chunked: true, Head: new(wire.Head), Whole: new(atomic.Bool)}
			got, readErr, writeErr := relayed(t, &r, "head ")
			mustBe(t, readErr, tt.err)
			if got != "head "+tt.want || writeErr != nil || r.Whole.Load() {
				t.Errorf("got %q, %v, whole %v; want %q", got, writeErr, r.Whole.Load(), tt.want)
			}
		})
	}
}

// What did not leave does not count as sent.
func TestRelaySentOfBrokenWrite(t *testing.T) {
	to, _ := pair(t)
	_ = to.Close() // what the write then meets
	var b wire.Body
	b.SetLength(newReader("abc"), 3)
	r := wire.Relay{To: to, Body: &b}
	if _, writeErr := r.Run(wire.Piece()); writeErr == nil || r.Sent != 0 {
		t.Errorf("sent %d, %v", r.Sent, writeErr)
	}
}

// The side that broke is the one that is told.
func TestRelayWriteError(t *testing.T) {
	to, caller := pair(t)
	_ = caller.(*net.TCPConn).SetLinger(0) // closing then resets the connection
	_ = caller.Close()
	from, upstream := pair(t)
	go func() {
		for {
			if _, err := upstream.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}()
	var b wire.Body
	b.SetLength(bufio.NewReaderSize(from, headSize), 1<<30)
	r := wire.Relay{To: to, Body: &b}
	within(t, 10*time.Second, func() {
		if readErr, writeErr := r.Run(wire.Piece()); readErr != nil || writeErr == nil {
			t.Errorf("read error %v, write error %v", readErr, writeErr)
		}
	})
}

// A piece that was borrowed comes back empty, and one that has grown does not
// come back, so that a large head is not held for ever.
func TestPiece(t *testing.T) {
	p := wire.Piece()
	size := cap(*p)
	*p = append(*p, "x"...)
	wire.PutPiece(p)
	grown := wire.Piece()
	*grown = append(*grown, make([]byte, 2*size)...)
	wire.PutPiece(grown)
	for range 100 {
		if p := wire.Piece(); len(*p) != 0 || cap(*p) != size {
			t.Fatalf("borrowed %d bytes of %d, want 0 of %d", len(*p), cap(*p), size)
		}
	}
}

// A head longer than a piece goes out whole.
func TestRelayLongHead(t *testing.T) {
	head := strings.Repeat("h", 100<<10)
	var b wire.Body
	b.SetChunked(newReader("3\r\nabc\r\n0\r\n\r\n"))
	r := wire.Relay{Body: &b, Chunked: true, Head: new(wire.Head)}
	got, readErr, writeErr := relayed(t, &r, head)
	if got != head+"3\r\nabc\r\n0\r\n\r\n" || readErr != nil || writeErr != nil {
		t.Errorf("%d bytes arrived, %v, %v", len(got), readErr, writeErr)
	}
}
