package gateway

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every event arrives before the next one is sent, whatever frames the body.
func TestEventsArriveOneByOne(t *testing.T) {
	const events = 5
	frame := map[string]func(string) string{
		"chunked":     func(e string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(e), e) },
		"length":      func(e string) string { return e },
		"until close": func(e string) string { return e },
	}
	for _, c := range []struct{ name, head, wantHead string }{
		{"chunked", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
		{"length", "Content-Length: 35", "Content-Length: 35"},
		{"until close", "X-Y: z", "Transfer-Encoding: chunked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := make(chan struct{})
			u := newTarget(t, func(_ *target, p *peer) {
				p.request()
				p.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + c.head + "\r\n\r\n")
				for i := range events {
					<-next
					p.send(frame[c.name](fmt.Sprintf("data:%d\n", i)))
				}
				<-next
				if c.name == "chunked" {
					p.send("0\r\n\r\n")
				}
				if c.name != "until close" {
					p.request() // the connection is still wanted
				}
			})
			p := start(t, bundle{target: u.address}).dial()
			p.send(lines("GET / HTTP/1.1", "Host: x"))
			head := p.head()
			if !strings.Contains(head, c.wantHead) {
				t.Errorf("head %q, want %s", head, c.wantHead)
			}
			for i := range events {
				next <- struct{}{}
				want := fmt.Sprintf("data:%d\n", i)
				if c.name != "length" {
					want = fmt.Sprintf("%x\r\n%s\r\n", len(want), want)
				}
				if got := p.take(len(want)); got != want {
					t.Fatalf("event %q, want %q", got, want)
				}
			}
			close(next)
			if c.name != "length" {
				if got := p.take(5); got != "0\r\n\r\n" {
					t.Errorf("end %q", got)
				}
			}
		})
	}
}

// A chunk that is split by the network anywhere is passed on as far as it is
// there, and events of several chunks in one packet are not held back.
func TestChunksSplitAnywhere(t *testing.T) {
	const sent = "5;a=b\r\nhello\r\n1\r\n \r\n006\r\nworld!\r\n0\r\nX-T: 1\r\n\r\n"
	cut := make(chan int, 1)
	u := newTarget(t, func(_ *target, p *peer) {
		for p.request() != "" {
			at := <-cut
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + sent[:at])
			pause(2 * time.Millisecond)
			p.send(sent[at:])
		}
	})
	p := start(t, bundle{target: u.address}).dial()
	for at := range len(sent) {
		cut <- at
		answer := p.do(lines("GET / HTTP/1.1", "Host: x"))
		text, trailers := unchunk(payload(answer))
		if text != "hello world!" || trailers != "X-T: 1\r\n" {
			t.Fatalf("cut at %d: %q", at, answer)
		}
	}
	if n := u.accepted(); n != 1 {
		t.Errorf("%d upstream connections, want 1 kept", n)
	}
}

// unchunk decodes a raw chunked body that is known to be well-formed.
func unchunk(raw string) (text, trailers string) {
	for {
		size, rest, _ := strings.Cut(raw, "\r\n")
		n := 0
		if _, err := fmt.Sscanf(size, "%x", &n); err != nil || n > len(rest) {
			return text, "malformed: " + raw
		}
		if n == 0 {
			return text, strings.TrimSuffix(rest, "\r\n")
		}
		text += rest[:n]
		raw = rest[n+2:]
	}
}

func TestRequestBodiesStream(t *testing.T) {
	pieces := make(chan string)
	u := newTarget(t, func(u *target, p *peer) {
		u.seen <- p.head()
		for want := range pieces {
			if got := p.take(len(want)); got != want {
				t.Errorf("piece %q, want %q", got, want)
			}
			u.seen <- want
		}
		p.send(ok)
		p.head()
	})
	p := start(t, bundle{target: u.address}).dial()
	p.send(lines("POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"))
	if head := u.next(); !strings.HasSuffix(head, "Transfer-Encoding: chunked\r\n\r\n") {
		t.Errorf("head %q", head)
	}
	for _, piece := range []string{"1\r\na\r\n", "2\r\nbc\r\n", "0\r\n\r\n"} {
		p.send(piece)
		pieces <- piece
		u.next()
	}
	close(pieces)
	wantStatus(t, p.answer("POST"), 200)
}

func TestTrailers(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" +
		"X-Sum: 1\r\nx-sum:  2\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nTransfer-Encoding: x\r\nConnection: x\r\nX-Undeclared: 3\r\n\r\n"
	u := newTarget(t, always(answer))
	g := start(t, bundle{target: u.address})
	got := g.do("POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n" +
		"X-Sum: 1\r\nX-SUM:2\r\nAuthorization: Bearer x\r\nHost: evil\r\nX-Forwarded-For: 1.1.1.1\r\nx_forwarded_for: 1.1.1.1\r\nContent-Type: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	if diff := cmp.Diff("3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-SUM:2\r\n\r\n", payload(u.next())); diff != "" {
		t.Errorf("request trailers, - want + got:\n%s", diff)
	}
	if diff := cmp.Diff("2\r\nok\r\n0\r\nX-Sum: 1\r\nx-sum:  2\r\nX-Undeclared: 3\r\n\r\n", payload(got)); diff != "" {
		t.Errorf("answer trailers, - want + got:\n%s", diff)
	}
}

// What has no body has none, whatever its fields say (RFC 9112 6.3).
func TestBodylessAnswers(t *testing.T) {
	for _, c := range []struct{ name, method, sent, want string }{
		{"HEAD keeps the length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"},
		{"HEAD of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
		{"HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n"},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"204 with a length (RFC 9110 8.6)", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		{"304 keeps the length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"a\"\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 99\r\n\r\n"},
		{"an empty body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"no chunk but the last", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(c.sent))
			p := start(t, bundle{target: u.address}).dial()
			for range 2 { // the second shows that nothing was left over
				got := withoutID(p.do(lines(c.method+" / HTTP/1.1", "Host: x")))
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Fatalf("- want + got:\n%s", diff)
				}
			}
			if n := u.accepted(); n != 1 {
				t.Errorf("%d upstream connections, want 1", n)
			}
		})
	}
}

// A body much larger than any buffer arrives whole in both directions, in every
// framing, and leaves both connections usable.
func TestLargeBodies(t *testing.T) {
	const size = 3<<20 + 17
	text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
	chunks := ""
	for rest := text; rest != ""; {
		n := min(70_000, len(rest))
		chunks += fmt.Sprintf("%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	chunks += "0\r\n\r\n"
	length := fmt.Sprintf("Content-Length: %d", size)
	for _, c := range []struct{ name, field, body string }{
		{"length", length, text},
		{"chunked", "Transfer-Encoding: chunked", chunks},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				for {
					request := p.request()
					if request == "" {
						return
					}
					u.seen <- request
					p.send("HTTP/1.1 200 OK\r\n" + c.field + "\r\n\r\n" + c.body)
				}
			})
			p := start(t, bundle{target: u.address}).dial()
			for range 2 {
				answer := p.do("POST / HTTP/1.1\r\nHost: x\r\n" + c.field + "\r\n\r\n" + c.body)
				for _, got := range []string{payload(answer), payload(u.next())} {
					if c.name == "chunked" {
						got, _ = unchunk(got)
					}
					if got != text {
						t.Fatalf("%d bytes arrived otherwise than sent (%d bytes)", len(got), len(text))
					}
				}
			}
			if n := u.accepted(); n != 1 {
				t.Errorf("%d upstream connections, want 1", n)
			}
		})
	}
}

// HTTP/1.0 knows no chunks: its answer ends with the connection (RFC 9112 6.1).
func TestHTTP10Caller(t *testing.T) {
	for _, c := range []struct{ name, sent, want string }{
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok!"},
		{"length", ok, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"},
		{"until close", "HTTP/1.0 200 OK\r\n\r\nok", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, once(c.sent))
			p := start(t, bundle{target: u.address}).dial()
			p.send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
			got, err := p.rest()
			if diff := cmp.Diff(c.want, withoutID(got)); diff != "" || err != nil {
				t.Errorf("%v, - want + got:\n%s", err, diff)
			}
		})
	}
}

// The gateway's memory does not grow with what passes through it: a caller that
// does not read holds its upstream back.
func TestSlowReaderHoldsItsUpstreamBack(t *testing.T) {
	sent := make(chan int64, 1)
	u := newTarget(t, func(_ *target, p *peer) {
		p.request()
		p.send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
		n, _ := io.Copy(p.Conn, zeros(1<<30))
		sent <- n
	})
	p := start(t, bundle{target: u.address, limits: "idle_timeout: 300ms"}).dial()
	begun := time.Now()
	p.send(lines("GET / HTTP/1.1", "Host: x"))
	if n := <-sent; n > 64<<20 {
		t.Errorf("upstream could send %d bytes to a caller that reads none", n)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("cut after %v, want about idle_timeout", took)
	}
}
