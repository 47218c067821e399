package wire_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/wire"
)

// headSize is the reader's size in these tests, and so the limit of a head.
const headSize = 4 << 10

func newReader(raw string) *bufio.Reader {
	return bufio.NewReaderSize(strings.NewReader(raw), headSize)
}

// message is a request as a connection of the gateway reads it.
type message struct {
	wire.Request
	header fasthttp.RequestHeader
	head   wire.Head
}

// read does what the gateway does with a connection before it routes.
func (m *message) read(br *bufio.Reader) error {
	wire.SkipEmptyLine(br)
	head, err := wire.PeekHead(br)
	if err != nil {
		return err
	}
	if err := wire.CheckLine(head); err != nil {
		return err
	}
	if err := m.header.Read(br); err != nil {
		return wire.Diagnose(head)
	}
	m.Request, err = wire.ReadRequest(&m.header, &m.head)
	return err
}

func readRequest(raw string) (*message, error) {
	m := new(message)
	return m, m.read(newReader(raw))
}

// readResponse reads an answer's head as the upstream transport does.
func readResponse(br *bufio.Reader, head *wire.Head) (wire.Response, error) {
	text, err := wire.PeekHead(br)
	if err != nil {
		return wire.Response{}, err
	}
	text = []byte(string(text))
	_, _ = br.Discard(len(text)) // it was peeked
	return wire.ReadResponse(text, head)
}

// mustBe fails unless err is want.
func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// ends are the two ends of a loopback connection.
func ends(t testing.TB, address string) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("listen: %v", err)
	}
	defer l.Close()
	far, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	limit := time.Now().Add(30 * time.Second)
	if err := far.SetDeadline(limit); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// pair is ends with the near one wrapped, as the gateway holds it.
func pair(t testing.TB) (near *wire.Conn, far net.Conn) {
	t.Helper()
	n, far := ends(t, "127.0.0.1:0")
	return wire.NewConn(n), far
}

// securePair is pair over TLS.
func securePair(t testing.TB) (*wire.Conn, net.Conn) {
	t.Helper()
	near, far := ends(t, "127.0.0.1:0")
	return secured(t, near, far)
}

// secured makes a TLS connection of the two ends of another.
func secured(t testing.TB, near, far net.Conn) (*wire.Conn, net.Conn) {
	t.Helper()
	server := httptest.NewTLSServer(nil) // lends its certificate
	config := server.TLS
	server.Close()
	caller := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	secure := tls.Server(near, config)
	done := make(chan error)
	go func() { done <- caller.Handshake() }()
	if err := errors.Join(secure.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return wire.NewConn(secure), caller
}

// send writes text to a peer.
func send(t testing.TB, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

// expect reads exactly text.
func expect(t testing.TB, from io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(from, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v; want %q", got[:n], err, text)
	}
}

// within fails when f takes longer than limit.
func within(t testing.TB, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("not done within %v", limit)
	}
}
