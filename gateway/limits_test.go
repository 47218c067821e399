package gateway

import (
	"strings"
	"testing"
	"time"
)

// A head has header_timeout from its first byte, however lively it drips.
func TestSlowHead(t *testing.T) {
	u := newTarget(t, always(ok))
	g := start(t, bundle{target: u.address, limits: "header_timeout: 300ms"})
	for _, c := range []struct{ name, first string }{
		{"in the request line", "GET / HT"},
		{"in a field", "GET / HTTP/1.1\r\nHost: x\r\nX: "},
		{"before the empty line", "GET / HTTP/1.1\r\nHost: x\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := g.dial()
			begun := time.Now()
			p.send(c.first)
			stop := make(chan struct{})
			dripped := make(chan struct{})
			go func() {
				defer close(dripped)
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						if strings.HasSuffix(c.first, ": ") {
							p.Conn.Write([]byte("a"))
						}
					}
				}
			}()
			wantStatus(t, p.answer("GET"), 408)
			if took := time.Since(begun); took < 250*time.Millisecond || took > 2*time.Second {
				t.Errorf("answered after %v", took)
			}
			close(stop)
			<-dripped
			p.ended()
		})
	}
	if u.accepted() != 0 {
		t.Error("half a head was forwarded")
	}
}

// The limit is for one head, not for the time between two.
func TestHeadTimeBeginsWithItsFirstByte(t *testing.T) {
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "header_timeout: 100ms"})
	p := g.dial()
	for range 2 {
		pause(150 * time.Millisecond)
		wantStatus(t, p.do(lines("GET / HTTP/1.1", "Host: x")), 200)
	}
}

func TestSlowBody(t *testing.T) {
	for _, c := range []struct{ name, request string }{
		{"length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na"},
		{"chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"},
		{"not a byte", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				p.head()
				body, _ := p.rest()
				u.seen <- body
			})
			g := start(t, bundle{target: u.address, limits: "body_timeout: 300ms"})
			p := g.dial()
			begun := time.Now()
			wantStatus(t, p.do(c.request), 408)
			if took := time.Since(begun); took < 250*time.Millisecond || took > 2*time.Second {
				t.Errorf("answered after %v", took)
			}
			if body := u.next(); strings.Contains(body, "0\r\n\r\n") {
				t.Errorf("the target was sent %q as if it were whole", body)
			}
		})
	}
}

// A body that keeps coming is not slow, however long it takes.
func TestBodyTimeIsBetweenTwoReads(t *testing.T) {
	u := newTarget(t, always(ok))
	p := start(t, bundle{target: u.address, limits: "body_timeout: 200ms", upstream: "timeout: 100ms"}).dial()
	p.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	for range 10 {
		pause(50 * time.Millisecond)
		p.send("a")
	}
	wantStatus(t, p.answer("POST"), 200)
	if got := payload(u.next()); got != "aaaaaaaaaa" {
		t.Errorf("body %q", got)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit string
		want  time.Duration
	}{
		{"while it holds its buffers", "300ms", 300 * time.Millisecond},
		{"after it gave them back", "1500ms", 1500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "idle_timeout: " + c.limit})
			fresh, used := g.dial(), g.dial()
			wantStatus(t, used.do(lines("GET / HTTP/1.1", "Host: x")), 200)
			begun := time.Now()
			for _, p := range []*peer{used, fresh} {
				if text, err := p.rest(); text != "" || err != nil {
					t.Errorf("%q, %v", text, err)
				}
				if took := time.Since(begun); took < c.want-50*time.Millisecond || took > c.want+time.Second {
					t.Errorf("closed after %v, want %v", took, c.want)
				}
			}
		})
	}
}

// A connection that rested without its buffers serves on, and its first bytes
// are not lost, however they arrive.
func TestRestedConnectionServes(t *testing.T) {
	u := newTarget(t, always(ok))
	p := start(t, bundle{target: u.address}).dial()
	for _, pieces := range [][]string{
		{"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"G", "ET /2 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"\r\nPOST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na", "bc"},
	} {
		pause(hold + 100*time.Millisecond)
		for _, piece := range pieces {
			p.send(piece)
			pause(10 * time.Millisecond)
		}
		wantStatus(t, p.answer("GET"), 200)
	}
	u.next()
	if line := u.next(); !strings.HasPrefix(line, "GET /2 ") {
		t.Errorf("request %q", line)
	}
	if got := payload(u.next()); got != "abc" {
		t.Errorf("body %q", got)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "connections: 2"})
	first, second := g.dial(), g.dial()
	wantStatus(t, first.do(lines("GET / HTTP/1.1", "Host: x")), 200)
	wantStatus(t, second.do(lines("GET / HTTP/1.1", "Host: x")), 200)
	third := g.dial()
	answer := third.answer("GET")
	wantStatus(t, answer, 503)
	if field(answer, "Retry-After") == "" || field(answer, "Connection") != "close" {
		t.Errorf("answer %q", answer)
	}
	third.ended()
	wantStatus(t, first.do(lines("GET / HTTP/1.1", "Host: x")), 200)
	second.Close()
	eventually(t, "room again", func() bool {
		p := g.dial()
		defer p.Close()
		p.send(lines("GET / HTTP/1.1", "Host: x"))
		return status(p.answer("GET")) == 200
	})
}

func TestSizeOfAHead(t *testing.T) {
	const limit = 4096
	g := start(t, bundle{target: newTarget(t, always(ok)).address, limits: "header_size: 4KiB"})
	const line, tail = "GET / HTTP/1.1\r\n", "Host: x\r\nX: \r\n\r\n"
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"exactly the limit", line + "Host: x\r\nX: " + repeat('a', limit-len(line)-len(tail)) + "\r\n\r\n", 200},
		{"one more", line + "Host: x\r\nX: " + repeat('a', limit-len(line)-len(tail)+1) + "\r\n\r\n", 431},
		{"a long target", "GET /" + repeat('a', limit) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantStatus(t, g.do(c.request), c.want)
		})
	}
}

// A refused head ends its connection: what follows cannot be told from a body.
func TestRefusedHeads(t *testing.T) {
	u := newTarget(t, always(ok))
	g := start(t, bundle{target: u.address})
	const next = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", 400},
		{"length and chunks", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"chunks and length", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
		{"identity coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd", 400},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"folded line", "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400},
		{"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		{"another host in the target", "GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"space before a colon", "GET / HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n", 400},
		{"zero byte", "GET / HTTP/1.1\r\nHost: x\r\nX: a\x00\r\n\r\n", 400},
		{"bare carriage return", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n", 400},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 501},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
		{"lower-case method", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
		{"HTTP/9.9", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := g.dial()
			p.send(c.request + next)
			answer := p.answer("POST")
			wantStatus(t, answer, c.want)
			if text, _ := p.rest(); text != "" {
				t.Errorf("more answers: %q", text)
			}
		})
	}
	if u.accepted() != 0 {
		t.Errorf("the target was sent %q", u.next())
	}
}

// max_duration bounds an exchange whose every step is in time.
func TestMaxDuration(t *testing.T) {
	t.Run("answer drips", func(t *testing.T) {
		u := newTarget(t, func(_ *target, p *peer) {
			p.request()
			p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for p.send("1\r\na\r\n") == nil {
				pause(20 * time.Millisecond)
			}
		})
		p := start(t, bundle{target: u.address, upstream: "max_duration: 300ms"}).dial()
		begun := time.Now()
		p.send(lines("GET / HTTP/1.1", "Host: x"))
		wantStatus(t, p.head(), 200)
		if text, _ := p.rest(); strings.HasSuffix(text, "0\r\n\r\n") {
			t.Error("the cut answer looks whole")
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
	t.Run("no head", func(t *testing.T) {
		g := start(t, bundle{target: newTarget(t, never).address, upstream: "max_duration: 300ms"})
		wantStatus(t, g.do(lines("GET / HTTP/1.1", "Host: x")), 504)
	})
	t.Run("no connection", func(t *testing.T) {
		g := start(t, bundle{target: blackhole(t), upstream: "max_duration: 300ms\nconnect_timeout: 5s"})
		begun := time.Now()
		wantStatus(t, g.do(lines("GET / HTTP/1.1", "Host: x")), 504)
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

// A target that reads nothing is given up, and the upload with it.
func TestUpstreamThatDoesNotRead(t *testing.T) {
	done := make(chan struct{})
	u := newTarget(t, func(*target, *peer) { <-done })
	p := start(t, bundle{target: u.address, upstream: impatient}).dial()
	begun := time.Now()
	go func() {
		p.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n")
		for p.send(repeat('a', 1<<20)) == nil {
			// until the gateway has had enough
		}
	}()
	wantStatus(t, p.answer("POST"), 504)
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("answered after %v", took)
	}
	close(done)
}
