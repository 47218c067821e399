package gateway

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// impatient are upstream settings under which every wait ends soon.
const impatient = "timeout: 300ms\nidle_timeout: 300ms\nconnect_timeout: 300ms"

// What goes wrong before the answer has begun is told to the caller, and its
// connection stays usable.
func TestFailuresBeforeTheAnswer(t *testing.T) {
	interim := strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 17)
	for _, c := range []struct {
		name, sent string
		want       int
		code       string
	}{
		{"closed without a byte", "", 502, "upstream_failed"},
		{"head cut", "HTTP/1.1 200 OK\r\nContent-Le", 502, "upstream_failed"},
		{"head cut before its last line", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", 502, "upstream_failed"},
		{"cut after an interim answer", "HTTP/1.1 102 Processing\r\n\r\n", 502, "upstream_failed"},
		{"not HTTP", "220 smtp ready\r\n\r\n", 502, "upstream_invalid"},
		{"line feeds only", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 502, "upstream_invalid"},
		{"a line feed in a field", "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"other version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"space before a colon", "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"zero byte", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 502, "upstream_invalid"},
		{"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, "upstream_invalid"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", 502, "upstream_invalid"},
		{"other coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502, "upstream_invalid"},
		{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, "upstream_invalid"},
		{"head too long", "HTTP/1.1 200 OK\r\nX: " + repeat('a', 17<<10) + "\r\nContent-Length: 0\r\n\r\n", 502, "upstream_invalid"},
		{"nobody asked to switch protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 502, "upstream_invalid"},
		{"interim answers without end", interim + ok, 502, "upstream_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, once(c.sent))
			p := start(t, bundle{target: u.address}).dial()
			var answer string
			for answer = p.do(lines("POST / HTTP/1.1", "Host: x", "Content-Length: 0")); status(answer) == 102; {
				answer = p.answer("POST")
			}
			wantStatus(t, answer, c.want)
			if !strings.Contains(answer, c.code) {
				t.Errorf("want %s in %q", c.code, answer)
			}
			p.send(lines("GET / HTTP/1.1", "Host: x"))
			if p.head() == "" {
				t.Error("the caller's connection was closed")
			}
			u.next()
			u.next()
			if len(u.seen) > 0 {
				t.Errorf("repeated: %q", u.next())
			}
		})
	}
}

func TestSilentUpstream(t *testing.T) {
	for _, c := range []struct {
		name, sent string
	}{
		{"says nothing", ""},
		{"stops inside its head", "HTTP/1.1 200 OK\r\nX: "},
		{"speaks without a line", "nothing of HTTP"},
		{"does not get beyond interim answers", "HTTP/1.1 102 Processing\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				p.request()
				p.send(c.sent)
				p.rest()
			})
			p := start(t, bundle{target: u.address, upstream: impatient}).dial()
			begun := time.Now()
			answer := p.do(lines("GET / HTTP/1.1", "Host: x"))
			if status(answer) == 102 {
				answer = p.answer("GET")
			}
			wantStatus(t, answer, 504)
			if took := time.Since(begun); took < 250*time.Millisecond || took > 2*time.Second {
				t.Errorf("answered after %v, want about 300ms", took)
			}
			eventually(t, "upstream connection closed", func() bool { return u.open.Load() == 0 })
		})
	}
}

func TestUpstreamCannotBeReached(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for _, c := range []struct {
		name, address string
		want          int
	}{
		{"refused", nobody.Addr().String(), 502},
		{"no such name", "nowhere.invalid:80", 502},
		{"no answer to a connect", blackhole(t), 504},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, bundle{target: c.address, upstream: impatient}).dial()
			begun := time.Now()
			wantStatus(t, p.do("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"), c.want)
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("answered after %v", took)
			}
			wantStatus(t, p.do(lines("GET / HTTP/1.1", "Host: x")), c.want)
			wantStatus(t, p.do("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"), c.want)
		})
	}
}

// blackhole returns an address where nobody answers a connect: its backlog is
// full, and what comes then is dropped.
func blackhole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	in := name.(*syscall.SockaddrInet4)
	address := net.TCPAddr{IP: in.Addr[:], Port: in.Port}
	for range 100 {
		c, err := net.DialTimeout("tcp", address.String(), 100*time.Millisecond)
		if err != nil {
			return address.String()
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system's backlog never fills")
	return ""
}

// What breaks after the answer has begun closes the caller's connection, and
// what arrived is recognisably not all.
func TestFailuresInsideTheAnswer(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	const length = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	for _, c := range []struct {
		name, sent string
		end        string // what the upstream does then
		want       string // body
	}{
		{"length cut", length + "abc", "close", "abc"},
		{"length cut at its first byte", length, "close", ""},
		{"length reset", length + "abc", "reset", "abc"},
		{"length stalls", length + "abc", "stall", "abc"},
		{"chunks cut at a boundary", chunked + "3\r\nabc\r\n", "close", "3\r\nabc\r\n"},
		{"chunks cut before the first", chunked, "close", ""},
		{"chunks cut inside one", chunked + "9\r\nabc", "close", "3\r\nabc\r\n"},
		{"chunks cut in a size", chunked + "3\r\nabc\r\n1", "close", "3\r\nabc\r\n"},
		{"chunks cut after the last size", chunked + "3\r\nabc\r\n0\r\n", "close", "3\r\nabc\r\n"},
		{"chunks cut in a trailer", chunked + "3\r\nabc\r\n0\r\nX: y\r\n", "close", "3\r\nabc\r\n"},
		{"chunks stall", chunked + "3\r\nabc\r\n", "stall", "3\r\nabc\r\n"},
		{"chunk size is none", chunked + "3\r\nabc\r\nxyz\r\n", "stall", "3\r\nabc\r\n"},
		{"chunk longer than it says", chunked + "3\r\nabcdef\r\n0\r\n\r\n", "stall", "3\r\nabc\r\n"},
		{"chunk size overflows", chunked + "3\r\nabc\r\n10000000000000001\r\n", "stall", "3\r\nabc\r\n"},
		{"trailer is none", chunked + "3\r\nabc\r\n0\r\nno trailer\r\n\r\n", "stall", "3\r\nabc\r\n"},
		{"until close reset", "HTTP/1.1 200 OK\r\n\r\nabc", "reset", "3\r\nabc\r\n"},
		{"until close stalls", "HTTP/1.1 200 OK\r\n\r\nabc", "stall", "3\r\nabc\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				p.request()
				p.send(c.sent)
				switch c.end {
				case "reset":
					pause(20 * time.Millisecond) // so that the bytes before it arrive
					p.Conn.(*net.TCPConn).SetLinger(0)
				case "stall":
					p.rest()
				}
			})
			p := start(t, bundle{target: u.address, upstream: impatient}).dial()
			p.send(lines("GET / HTTP/1.1", "Host: x"))
			begun := time.Now()
			wantStatus(t, p.head(), 200)
			got, _ := p.rest()
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("closed after %v", took)
			}
			if got != c.want {
				t.Errorf("body %q, want %q and the end of the connection", got, c.want)
			}
			eventually(t, "upstream connection closed", func() bool { return u.open.Load() == 0 })
		})
	}
}

// A caller of HTTP/1.0 can tell a cut answer without a length only by a reset.
func TestCutIsAResetWhereNothingElseTells(t *testing.T) {
	u := newTarget(t, once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"))
	p := start(t, bundle{target: u.address}).dial()
	p.send("GET / HTTP/1.0\r\n\r\n")
	if text, err := p.rest(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an ordinary end after %q: %v", text, err)
	}
}

// Bytes after an answer are never the next one, whether they come with it or
// later.
func TestUnsolicitedBytesPoisonAConnection(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for _, c := range []struct {
		name string
		wait time.Duration
	}{{"with the answer", 0}, {"later", 20 * time.Millisecond}} {
		t.Run(c.name, func(t *testing.T) {
			poisoned := make(chan struct{}, 10)
			u := newTarget(t, func(_ *target, p *peer) {
				p.request()
				if c.wait == 0 {
					p.send(ok + evil)
				} else {
					p.send(ok)
					pause(c.wait)
					p.send(evil)
				}
				poisoned <- struct{}{}
				p.rest()
			})
			p := start(t, bundle{target: u.address}).dial()
			for range 3 {
				if got := payload(p.do(lines("GET / HTTP/1.1", "Host: x"))); got != "ok" {
					t.Fatalf("body %q", got)
				}
				<-poisoned
			}
			if n := u.accepted(); n != 3 {
				t.Errorf("%d upstream connections, want one each", n)
			}
		})
	}
}

// An upstream that closes right after each answer meets the next request with
// the close. Nothing fails that may be repeated, and nothing else is.
func TestReuseRace(t *testing.T) {
	const requests = 300
	script := func(u *target, p *peer) {
		request := p.request()
		if request == "" {
			return
		}
		u.seen <- request
		p.send(ok)
		pause(2 * time.Millisecond)
	}
	t.Run("GET", func(t *testing.T) {
		p := start(t, bundle{target: newTarget(t, script).address}).dial()
		for i := range requests {
			pause(time.Duration(i%4) * time.Millisecond)
			if answer := p.do(lines("GET / HTTP/1.1", "Host: x")); status(answer) != 200 {
				t.Fatalf("request %d: %q", i, answer)
			}
		}
	})
	t.Run("POST", func(t *testing.T) {
		u := newTarget(t, script)
		p := start(t, bundle{target: u.address}).dial()
		answered := 0
		for i := range requests {
			pause(time.Duration(i%4) * time.Millisecond)
			switch answer := p.do("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"); status(answer) {
			case 200:
				answered++
			case 502:
			default:
				t.Fatalf("request %d: %q", i, answer)
			}
		}
		if executed := len(u.seen); executed < answered || executed > requests {
			t.Errorf("%d of %d answered, executed %d times", answered, requests, executed)
		}
	})
}

// A request on a kept connection that the target closes without a byte is sent
// once more only if that is safe.
func TestRepeat(t *testing.T) {
	for _, c := range []struct {
		name, request string
		want          int
	}{
		{"GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"HEAD", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"PUT with a body that is here", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 200},
		{"DELETE", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 502},
		{"PATCH", "PATCH / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 502},
		{"PUT of chunks", "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				u.seen <- p.request()
				p.send(ok)
				if again := p.request(); again != "" && u.accepted() == 1 {
					u.seen <- again
					return // closed instead of an answer
				} else if again != "" {
					u.seen <- again
					p.send(ok)
				}
			})
			p := start(t, bundle{target: u.address}).dial()
			wantStatus(t, p.do(lines("GET /first HTTP/1.1", "Host: x")), 200)
			wantStatus(t, p.do(c.request), c.want)
			u.next()
			first := u.next()
			switch {
			case c.want == 200:
				if again := u.next(); again != first {
					t.Errorf("repeated as %q, was %q", again, first)
				}
			case len(u.seen) > 0:
				t.Errorf("repeated: %q", u.next())
			}
		})
	}
}
