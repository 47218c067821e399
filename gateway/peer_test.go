package gateway

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a peer waits for what must come: long enough for a busy
// machine, and never reached by a test that passes.
const patience = 10 * time.Second

// peer is one end of a raw connection: a caller, or a target's side.
type peer struct {
	net.Conn
	t  testing.TB
	br *bufio.Reader
}

func newPeer(t testing.TB, c net.Conn) *peer {
	return &peer{Conn: c, t: t, br: bufio.NewReaderSize(c, 64<<10)}
}

// dial connects a caller.
func dial(t testing.TB, address string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newPeer(t, c)
}

// send writes text as it is. A peer that has closed meanwhile is no fault of
// the test: what arrived is judged where it is read.
func (p *peer) send(text string) error {
	p.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(p.Conn, text)
	return err
}

// head reads up to and with the empty line; "" when the connection ends first.
func (p *peer) head() string {
	p.SetReadDeadline(time.Now().Add(patience))
	var text []byte
	for {
		line, err := p.br.ReadSlice('\n')
		text = append(text, line...)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.t.Errorf("no head within %v; so far %q", patience, text)
			}
			return string(text)
		}
		if len(line) == 2 && len(text) > 2 {
			return string(text)
		}
	}
}

// take reads exactly n bytes, or what there is before the end.
func (p *peer) take(n int) string {
	p.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, n)
	n, err := io.ReadFull(p.br, b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("%d of %d bytes within %v: %q", n, len(b), patience, b[:n])
	}
	return string(b[:n])
}

// rest reads to the end. err is nil for an orderly end.
func (p *peer) rest() (string, error) {
	p.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(p.br)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("connection still open after %v", patience)
	}
	return string(b), err
}

// ended waits for the end of the connection and returns how long it took.
func (p *peer) ended() time.Duration {
	begun := time.Now()
	p.rest()
	return time.Since(begun)
}

// silent fails the test when a byte or the end comes within d.
func (p *peer) silent(d time.Duration) {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(d))
	if b, err := p.br.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("want silence for %v, got %q, %v", d, b, err)
	}
}

// body reads the raw body that head announces: of a length, in chunks with the
// trailers, or to the end of the connection when until is set.
func (p *peer) body(head string, until bool) string {
	switch length := field(head, "Content-Length"); {
	case field(head, "Transfer-Encoding") == "chunked":
		return p.chunks()
	case length != "":
		n, err := strconv.Atoi(length)
		if err != nil {
			p.t.Errorf("length in %q: %v", head, err)
		}
		return p.take(n)
	case until:
		text, _ := p.rest()
		return text
	}
	return ""
}

// chunks reads a raw chunked body, trailers included.
func (p *peer) chunks() string {
	var raw strings.Builder
	for {
		size, err := p.br.ReadString('\n')
		raw.WriteString(size)
		if err != nil {
			return raw.String()
		}
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
		if err != nil {
			p.t.Errorf("chunk size %q", size)
			return raw.String()
		}
		if n == 0 {
			break
		}
		raw.WriteString(p.take(int(n) + 2))
	}
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = p.br.ReadString('\n'); err != nil {
			return raw.String() + line
		}
		raw.WriteString(line)
	}
	return raw.String()
}

// request reads a whole raw request; "" at the end of the connection.
func (p *peer) request() string {
	head := p.head()
	return head + p.body(head, false)
}

// answer reads the whole raw final answer to method; "" at the end of the
// connection. What has no length is read to the end.
func (p *peer) answer(method string) string {
	head := p.head()
	status := status(head)
	if method == "HEAD" || status == 204 || status == 304 || status < 200 {
		return head
	}
	return head + p.body(head, true)
}

// do sends a request and reads its answer.
func (p *peer) do(request string) string {
	p.t.Helper()
	if err := p.send(request); err != nil {
		p.t.Errorf("send request: %v", err)
	}
	method, _, _ := strings.Cut(request, " ")
	return p.answer(method)
}

// field returns the first value of a field in a raw message; "" when absent.
func field(message, name string) string {
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// status returns the status of a raw answer; 0 when there is none.
func status(answer string) int {
	if len(answer) < 12 {
		return 0
	}
	n, _ := strconv.Atoi(answer[9:12])
	return n
}

// payload is what follows the head.
func payload(message string) string {
	_, body, _ := strings.Cut(message, "\r\n\r\n")
	return body
}

// wantStatus fails the test when answer has another status.
func wantStatus(t testing.TB, answer string, want int) {
	t.Helper()
	if got := status(answer); got != want {
		t.Errorf("status %d, want %d in %q", got, want, answer)
	}
}

// target is a scripted upstream: script serves each of its connections.
type target struct {
	t       testing.TB
	l       net.Listener
	address string
	seen    chan string // raw requests, for scripts that record them
	conns   sync.WaitGroup
	open    atomic.Int64 // connections whose script has not ended
	mu      sync.Mutex
	opened  []net.Conn
}

// newTarget listens on loopback, over TLS when secure is given.
func newTarget(t testing.TB, script func(*target, *peer)) *target {
	return newTargetOn(t, "127.0.0.1:0", nil, script)
}

func newTargetOn(t testing.TB, address string, secure *tls.Config, script func(*target, *peer)) *target {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	u := &target{t: t, l: l, address: l.Addr().String(), seen: make(chan string, 1000)}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			u.opened = append(u.opened, c)
			u.mu.Unlock()
			u.open.Add(1)
			u.conns.Go(func() {
				defer u.open.Add(-1)
				defer c.Close()
				script(u, newPeer(t, c))
			})
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-accepting
		u.mu.Lock()
		for _, c := range u.opened {
			c.Close()
		}
		u.mu.Unlock()
		u.conns.Wait()
	})
	return u
}

// accepted is how many connections there have been.
func (u *target) accepted() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.opened)
}

// next returns the next recorded request.
func (u *target) next() string {
	u.t.Helper()
	select {
	case r := <-u.seen:
		return r
	case <-time.After(patience):
		u.t.Fatal("no request reached the target")
	}
	return ""
}

// always is a script that records each request and gives the same answer.
func always(answer string) func(*target, *peer) {
	return func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			select {
			case u.seen <- request:
			default: // a test that sends so many looks at none
			}
			p.send(answer)
		}
	}
}

// once is a script that records one request, sends answer and closes.
func once(answer string) func(*target, *peer) {
	return func(u *target, p *peer) {
		if request := p.request(); request != "" {
			u.seen <- request
			p.send(answer)
		}
	}
}

// never is a script that records heads and is silent until the gateway leaves.
func never(u *target, p *peer) {
	if head := p.head(); head != "" {
		u.seen <- head
		io.Copy(io.Discard, p.br)
		u.seen <- "closed"
	}
}

// ok is an answer with a body.
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// pause lets scripted peers take their time.
func pause(d time.Duration) { <-time.After(d) }

// eventually polls until met holds.
func eventually(t testing.TB, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !met(); pause(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// zeros reads as n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// lines joins a message's head lines and ends it.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }

// repeat is n times the byte b.
func repeat(b byte, n int) string { return string(bytes.Repeat([]byte{b}, n)) }
