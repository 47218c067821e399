package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/wire"
)

const benchRequest = "GET /shop/orders/42?expand=items HTTP/1.1\r\n" +
	"Host: api.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0)\r\n" +
	"Accept: application/json\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJl\r\n" +
	"Connection: keep-alive\r\n" +
	"X-Request-ID: 4f6d2c0e\r\n" +
	"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"

const benchResponse = "HTTP/1.1 200 OK\r\n" +
	"Date: Mon, 23 Nov 2026 20:00:00 GMT\r\n" +
	"Server: nginx\r\n" +
	"Content-Type: application/json\r\n" +
	"Content-Length: 1024\r\n" +
	"Connection: keep-alive\r\n" +
	"Vary: Accept-Encoding\r\n" +
	"ETag: \"33a64df5\"\r\n" +
	"Cache-Control: no-cache\r\n\r\n"

// requests reads the same request again and again into m.
func requests(m *message) (read func() error) {
	source := strings.NewReader(benchRequest)
	br := bufio.NewReaderSize(source, 16<<10)
	return func() error {
		source.Reset(benchRequest)
		br.Reset(source)
		m.head.Reset()
		return m.read(br)
	}
}

// responses does the same with an answer's head.
func responses() (read func() error) {
	source := strings.NewReader(benchResponse)
	br := bufio.NewReaderSize(source, 16<<10)
	var text []byte
	head := new(wire.Head)
	return func() error {
		source.Reset(benchResponse)
		br.Reset(source)
		head.Reset()
		peeked, err := wire.PeekHead(br)
		if err != nil {
			return err
		}
		text = append(text[:0], peeked...)
		_, err = wire.ReadResponse(text, head)
		return err
	}
}

func BenchmarkRequestHead(b *testing.B) {
	read := requests(new(message))
	b.SetBytes(int64(len(benchRequest)))
	b.ReportAllocs()
	for b.Loop() {
		if err := read(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRequestHeadOfFasthttp is what the codec alone takes.
func BenchmarkRequestHeadOfFasthttp(b *testing.B) {
	source := strings.NewReader(benchRequest)
	br := bufio.NewReaderSize(source, 16<<10)
	var header fasthttp.RequestHeader
	b.SetBytes(int64(len(benchRequest)))
	b.ReportAllocs()
	for b.Loop() {
		source.Reset(benchRequest)
		br.Reset(source)
		if err := header.Read(br); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResponseHead(b *testing.B) {
	read := responses()
	b.SetBytes(int64(len(benchResponse)))
	b.ReportAllocs()
	for b.Loop() {
		if err := read(); err != nil {
			b.Fatal(err)
		}
	}
}

// nowhere is a connection that takes everything.
type nowhere struct{ net.Conn }

func (nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }

// relays sends the same body on again and again.
func relays(raw string, chunked bool) (relay func() error) {
	source := strings.NewReader(raw)
	br := bufio.NewReaderSize(source, 16<<10)
	var body wire.Body
	r := wire.Relay{To: wire.NewConn(nowhere{}), Body: &body, Chunked: chunked, Head: new(wire.Head)}
	return func() error {
		source.Reset(raw)
		br.Reset(source)
		_, _ = br.Peek(1) // as a head has been read
		if body.SetLength(br, int64(len(raw))); chunked {
			body.SetChunked(br)
		}
		piece := wire.Piece()
		*piece = append(*piece, benchResponse...)
		readErr, writeErr := r.Run(piece)
		return errors.Join(readErr, writeErr)
	}
}

var kibibyte = strings.Repeat("0123456789abcdef", 64)

func BenchmarkRelay(b *testing.B) {
	for _, bench := range []struct {
		name, raw string
		chunked   bool
	}{
		{"length 1KiB", kibibyte, false},
		{"chunked 1KiB", "400\r\n" + kibibyte + "\r\n0\r\n\r\n", true},
		{"length 256KiB", strings.Repeat(kibibyte, 256), false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			relay := relays(bench.raw, bench.chunked)
			b.SetBytes(int64(len(bench.raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := relay(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHeadEdits(b *testing.B) {
	m := new(message)
	read := requests(m)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if err := read(); err != nil {
			b.Fatal(err)
		}
		m.head.Del("Authorization")
		m.head.Set("X-User", "shop")
		out = m.head.AppendForward(out[:0])
	}
	if !bytes.HasSuffix(out, []byte("X-User: shop\r\n")) {
		b.Fatalf("forwarded %q", out)
	}
}

// BenchmarkConnRead is what the limits add to a read.
func BenchmarkConnRead(b *testing.B) {
	near, far := ends(b, "127.0.0.1:0")
	go func() {
		for p := make([]byte, 64); ; {
			if _, err := io.ReadFull(far, p); err != nil {
				return
			}
			if _, err := far.Write(p); err != nil {
				return
			}
		}
	}()
	c := wire.NewConn(near)
	c.ReadLimit, c.WriteLimit = time.Minute, time.Minute
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, p); err != nil {
			b.Fatal(err)
		}
	}
}
