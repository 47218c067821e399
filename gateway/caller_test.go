package gateway

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"postern/gateway/exchange"
)

// A caller that breaks its upload off never makes the target take what it has
// for the whole.
func TestCutUploadIsNeverCompleted(t *testing.T) {
	for _, c := range []struct{ name, request, want string }{
		{"length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc", "abc"},
		{"chunks, at a boundary", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "3\r\nabc\r\n"},
		{"chunks, before the first", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		{"chunks, after the last size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "3\r\nabc\r\n"},
		{"chunks, inside one", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "3\r\nabc\r\n"},
	} {
		for _, end := range []string{"close", "half close", "reset"} {
			t.Run(c.name+", "+end, func(t *testing.T) {
				u := newTarget(t, func(u *target, p *peer) {
					p.head()
					body, _ := p.rest()
					u.seen <- body
				})
				p := start(t, bundle{target: u.address}).dial()
				p.send(c.request)
				eventually(t, "request at the target", func() bool { return u.accepted() == 1 })
				pause(20 * time.Millisecond) // so that the bytes before the end arrive
				switch tcp := p.Conn.(*net.TCPConn); end {
				case "half close":
					tcp.CloseWrite()
				case "reset":
					tcp.SetLinger(0)
					tcp.Close()
				default:
					tcp.Close()
				}
				begun := time.Now()
				if got := u.next(); got != c.want {
					t.Errorf("the target was sent %q, want %q", got, c.want)
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("after %v", took)
				}
			})
		}
	}
}

// A malformed chunk is the caller's fault and ends the request as a cut does.
func TestMalformedUpload(t *testing.T) {
	for _, tail := range []string{"xyz\r\n", "3 \r\nabc\r\n", "-1\r\n", "3\r\nabcdef\r\n", "3\nabc\r\n", "0\r\nno trailer\r\n\r\n", "3;\r\nabc\r\n", "ffffffffffffffff\r\n"} {
		t.Run(fmt.Sprintf("%q", tail), func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				p.head()
				body, _ := p.rest()
				u.seen <- body
			})
			p := start(t, bundle{target: u.address}).dial()
			answer := p.do("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n" + tail)
			wantStatus(t, answer, 400)
			p.ended()
			if got := u.next(); strings.Contains(got, "0\r\n\r\n") {
				t.Errorf("the target was sent %q as if it were whole", got)
			}
		})
	}
}

// A caller that leaves frees the upstream's connection, whatever the upstream
// is doing.
func TestCallerLeaves(t *testing.T) {
	for _, c := range []struct{ name, sent string }{
		{"before the head", ""},
		{"after an interim answer", "HTTP/1.1 103 Early Hints\r\n\r\n"},
		{"inside chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"},
		{"inside a length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(u *target, p *peer) {
				p.request()
				p.send(c.sent)
				u.seen <- "waiting"
				p.rest()
				u.seen <- "closed"
			})
			p := start(t, bundle{target: u.address}).dial()
			p.send(lines("GET / HTTP/1.1", "Host: x"))
			u.next()
			if c.sent != "" {
				p.head()
			}
			p.Close()
			begun := time.Now()
			u.next()
			if took := time.Since(begun); took > time.Second {
				t.Errorf("upstream connection freed after %v", took)
			}
		})
	}
}

func TestManyCallersLeave(t *testing.T) {
	u := newTarget(t, never)
	g := start(t, bundle{target: u.address})
	const callers = 50
	var left []*peer
	for range callers {
		p := g.dial()
		p.send(lines("GET / HTTP/1.1", "Host: x"))
		left = append(left, p)
	}
	for range callers {
		u.next()
	}
	begun := time.Now()
	for _, p := range left {
		p.Close()
	}
	eventually(t, "upstream connections closed", func() bool { return u.open.Load() == 0 })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("freed after %v", took)
	}
}

// What follows a request is never read out of its body, however early the
// answer came.
func TestUnreadBodyIsNoRequest(t *testing.T) {
	const smuggled = "GET /a/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		name, field, body string
		keep              bool
	}{
		{"length, here already", fmt.Sprintf("Content-Length: %d", len(smuggled)), smuggled, true},
		{"chunks, here already", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\nX: y\r\n\r\n", len(smuggled), smuggled), true},
		{"length, more to come", "Content-Length: 100000", smuggled, false},
		{"chunks, more to come", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(smuggled), smuggled), false},
		{"chunks, malformed", "Transfer-Encoding: chunked", "1\r\naGET /a HTTP/1.1\r\nHost: x\r\n\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(ok))
			p := start(t, bundle{target: u.address, base: "/a"}).dial()
			p.send("POST /nothing HTTP/1.1\r\nHost: x\r\n" + c.field + "\r\n\r\n" + c.body)
			if c.keep {
				p.send(lines("GET /a/next HTTP/1.1", "Host: x"))
			}
			answer := p.answer("POST")
			wantStatus(t, answer, 404)
			if c.keep {
				wantStatus(t, p.answer("GET"), 200)
				if line := u.next(); !strings.HasPrefix(line, "GET /next ") {
					t.Errorf("next request %q", line)
				}
				return
			}
			if field(answer, "Connection") != "close" {
				t.Errorf("the connection stays although its body was not read: %q", answer)
			}
			if text, _ := p.rest(); text != "" {
				t.Errorf("more answers: %q", text)
			}
			if u.accepted() != 0 {
				t.Errorf("the target was sent %q", u.next())
			}
		})
	}
}

// An answer arrives although the caller goes on sending a large body to which
// nobody listens: closing at once would reset it away.
func TestAnswerSurvivesAnUnreadUpload(t *testing.T) {
	for _, c := range []struct{ name, head string }{
		{"not found", "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"},
		{"refused head", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"head too long", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nX: " + repeat('a', 20_000) + "\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(ok))
			g := start(t, bundle{target: u.address, base: "/a"})
			for i := range 10 {
				p := g.dial()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					p.send(c.head)
					for range 20 {
						pause(time.Millisecond)
						p.send(repeat('a', 100_000))
					}
				}()
				<-sent // all of it is on its way before the answer is looked at
				answer := p.answer("POST")
				if s := status(answer); s != 404 && s != 400 && s != 431 {
					t.Fatalf("answer %d: %q", i, answer)
				}
				p.Close()
			}
		})
	}
}

func TestPipelining(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for request := p.request(); request != ""; request = p.request() {
			path := strings.Fields(request)[1]
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path))
		}
	})
	p := start(t, bundle{target: u.address}).dial()
	p.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
		"POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\r\nGET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []string{"/1", "/2", "/3", "/4"} {
		if got := payload(p.answer("GET")); got != want {
			t.Errorf("answer %q, want %q", got, want)
		}
	}
	if text, err := p.rest(); text != "" || err != nil {
		t.Errorf("after Connection: close %q, %v", text, err)
	}
}

// The first of several answers does not wait for the second request's.
func TestPipelinedAnswersAreNotHeldBack(t *testing.T) {
	second := make(chan struct{})
	u := newTarget(t, func(_ *target, p *peer) {
		p.request()
		p.send(ok)
		p.request()
		<-second
		p.send(ok)
		p.request()
	})
	p := start(t, bundle{target: u.address}).dial()
	p.send(strings.Repeat(lines("GET / HTTP/1.1", "Host: x"), 2))
	wantStatus(t, p.answer("GET"), 200)
	close(second)
	wantStatus(t, p.answer("GET"), 200)
}

func TestCallersConnectionIsKept(t *testing.T) {
	for _, c := range []struct {
		name, request string
		keep          bool
	}{
		{"HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
		{"close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
		{"close among others", "GET / HTTP/1.1\r\nHost: x\r\nConnection: x-y, Close\r\n\r\n", false},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", false},
		{"close and a body", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, bundle{target: newTarget(t, always(ok)).address}).dial()
			answer := p.do(c.request)
			wantStatus(t, answer, 200)
			if said := field(answer, "Connection"); (said == "") != c.keep {
				t.Errorf("connection: %q", said)
			}
			if c.keep {
				wantStatus(t, p.do(c.request), 200)
				return
			}
			if text, err := p.rest(); text != "" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// A panic ends the connection it happened on, its upstream's, and nothing else.
func TestPanicEndsOneConnection(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for head := p.head(); head != ""; head = p.head() {
			u.seen <- head
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
		}
	})
	g := start(t, bundle{target: u.address})
	handle := g.server.handle
	g.server.handle = func(x *exchange.Exchange) {
		handle(x)
		panic("a policy on its way back")
	}
	p := g.dial()
	p.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	if text, _ := io.ReadAll(p.br); len(text) > 0 {
		t.Errorf("answered %q", text)
	}
	u.next()
	eventually(t, "upstream connection closed", func() bool { return u.open.Load() == 0 })
	eventually(t, "connection forgotten", func() bool { return g.server.open.Load() == 0 })
}

// When an upload fails, either the connection goes on or the answer says that
// it does not.
func TestFailedUploadKeepsItsWord(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		p.Conn.(*net.TCPConn).SetLinger(0) // reset, in the middle of whatever is sent
	})
	g := start(t, bundle{target: u.address})
	for i := range 200 {
		p := g.dial()
		answer := p.do("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
		wantStatus(t, answer, 502)
		if field(answer, "Connection") == "close" {
			p.ended()
		} else if again := p.do(lines("GET / HTTP/1.1", "Host: x")); status(again) != 502 {
			t.Fatalf("request %d on a connection that was to be kept: %q", i, again)
		}
		p.Close()
	}
}
