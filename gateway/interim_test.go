package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// expecting is a request whose body waits for a 100.
const expecting = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

func TestContinueIsTheUpstreams(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for head := p.head(); head != ""; head = p.head() {
			if field(head, "Expect") != "100-continue" {
				t.Errorf("expectation lost in %q", head)
			}
			p.silent(50 * time.Millisecond)
			p.send("HTTP/1.1 100 Continue\r\nX-From: upstream\r\n\r\n")
			u.seen <- p.take(5)
			p.send(ok)
		}
	})
	p := start(t, bundle{target: u.address}).dial()
	for range 2 {
		p.send(expecting)
		if got := p.head(); got != "HTTP/1.1 100 Continue\r\nX-From: upstream\r\n\r\n" {
			t.Fatalf("interim answer %q", got)
		}
		p.send("hello")
		wantStatus(t, p.answer("POST"), 200)
		if got := u.next(); got != "hello" {
			t.Errorf("body %q", got)
		}
	}
	if n := u.accepted(); n != 1 {
		t.Errorf("%d upstream connections, want 1 kept", n)
	}
}

// A refusal comes instead of the 100, and the body is never asked for.
func TestRefusalInsteadOfContinue(t *testing.T) {
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!"
	u := newTarget(t, func(u *target, p *peer) {
		p.head()
		p.send(refusal)
		rest, _ := p.rest()
		u.seen <- rest
	})
	p := start(t, bundle{target: u.address}).dial()
	want := strings.Replace(refusal, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
	if diff := cmp.Diff(want, withoutID(p.do(expecting))); diff != "" {
		t.Errorf("- want + got:\n%s", diff)
	}
	if took := p.ended(); took > 500*time.Millisecond {
		t.Errorf("closed after %v", took)
	}
	if rest := u.next(); rest != "" {
		t.Errorf("the target was sent %q", rest)
	}
}

// A caller that owes its body cannot have targets taken for failing ones,
// whether these then say nothing or close.
func TestWhoOwesABodyHarmsNoTarget(t *testing.T) {
	const begun = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"
	for _, tt := range []struct {
		name, request string
		body          int // bytes that the target takes
		continues     bool
		closes        bool
		status        int
	}{
		{"no word of the body", expecting, 0, false, false, 504},
		{"told to continue", expecting, 0, true, false, 504},
		{"the target has had enough of waiting", expecting, 0, true, true, 502},
		{"in the middle of the body", begun, 2, false, true, 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				if head := p.head(); strings.HasPrefix(head, "GET") {
					p.send(ok)
					return
				}
				p.take(tt.body)
				if tt.continues {
					p.send("HTTP/1.1 100 Continue\r\n\r\n")
				}
				if !tt.closes {
					p.rest()
				}
			})
			g := start(t, bundle{target: u.address, upstream: "timeout: 1s\ncircuit_breaker: {failures: 1, open: 1h}"})
			p := g.dial()
			p.send(tt.request)
			if tt.continues {
				p.head()
			}
			wantStatus(t, p.answer("POST"), tt.status)
			wantStatus(t, g.dial().do(lines("GET / HTTP/1.1", "Host: x")), 200)
		})
	}
}

// A request that goes nowhere is answered before its body, without a 100.
func TestOwnAnswerInsteadOfContinue(t *testing.T) {
	u := newTarget(t, always(ok))
	p := start(t, bundle{target: u.address, base: "/a"}).dial()
	wantStatus(t, p.do(expecting), 404)
	p.ended()
	if n := u.accepted(); n != 0 {
		t.Error("the target was bothered")
	}
}

func TestExpectations(t *testing.T) {
	u := newTarget(t, always(ok))
	g := start(t, bundle{target: u.address})
	for _, c := range []struct {
		name, request string
		want          int
		forwarded     string
	}{
		{"unknown (RFC 9110 10.1.1)", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n", 417, ""},
		{"in other case, the body already here", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab", 200, "100-Continue"},
		{"without a body it means nothing", "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", 200, ""},
		{"from HTTP/1.0 it is ignored", "POST / HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantStatus(t, g.do(c.request), c.want)
			if c.want == 200 {
				if got := field(u.next(), "Expect"); got != c.forwarded {
					t.Errorf("forwarded as %q, want %q", got, c.forwarded)
				}
			}
		})
	}
}

// A target that never says 100 to a caller that waits for it is what is late.
func TestContinueThatNeverComes(t *testing.T) {
	u := newTarget(t, never)
	g := start(t, bundle{target: u.address, upstream: "timeout: 300ms", limits: "body_timeout: 5s"})
	begun := time.Now()
	wantStatus(t, g.do(expecting), 504)
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("answered after %v, want about timeout", took)
	}
}

// Once told to continue, it is the caller who is late.
func TestContinueThatIsNotFollowed(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		p.head()
		p.send("HTTP/1.1 100 Continue\r\n\r\n")
		rest, _ := p.rest()
		u.seen <- rest
	})
	p := start(t, bundle{target: u.address, upstream: "timeout: 5s", limits: "body_timeout: 300ms"}).dial()
	p.send(expecting)
	wantStatus(t, p.head(), 100)
	wantStatus(t, p.answer("POST"), 408)
	if rest := u.next(); rest != "" {
		t.Errorf("the target was sent %q", rest)
	}
}

// A target may ignore the expectation: RFC 9110 10.1.1 lets callers send the
// body when the 100 does not come.
func TestBodyWithoutContinue(t *testing.T) {
	u := newTarget(t, always(ok))
	p := start(t, bundle{target: u.address}).dial()
	p.send(expecting)
	p.silent(50 * time.Millisecond)
	p.send("hello")
	wantStatus(t, p.answer("POST"), 200)
	if got := payload(u.next()); got != "hello" {
		t.Errorf("body %q", got)
	}
}

func TestInterimAnswers(t *testing.T) {
	const hints = "HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
	for _, c := range []struct{ name, request, sent, want string }{
		{"103 passes", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", hints + ok, hints + ok},
		{"16 pass", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat(hints, 16) + ok, strings.Repeat(hints, 16) + ok},
		{"100 that nobody waits for does not", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" + ok, ok},
		{
			"none to HTTP/1.0 (RFC 9110 15.2)", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", hints + ok,
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
		},
		{
			"fields of an interim answer stay in it", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"HTTP/1.1 103 Early Hints\r\nConnection: x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n" + ok,
			"HTTP/1.1 103 Early Hints\r\nX-B: 2\r\n\r\n" + ok,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(c.sent))
			p := start(t, bundle{target: u.address}).dial()
			p.send(c.request)
			got := p.answer("GET")
			for last := got; status(last) < 200 && last != ""; got += last {
				last = p.answer("GET")
			}
			got = withoutID(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("- want + got:\n%s", diff)
			}
			if n := u.accepted(); n != 1 {
				t.Errorf("%d upstream connections", n)
			}
		})
	}
}

// An interim answer arrives when it is sent, not with the final one.
func TestInterimAnswerIsNotHeldBack(t *testing.T) {
	arrived := make(chan struct{})
	u := newTarget(t, func(_ *target, p *peer) {
		p.request()
		p.send("HTTP/1.1 103 Early Hints\r\n\r\n")
		<-arrived
		p.send(ok)
	})
	p := start(t, bundle{target: u.address}).dial()
	p.send(lines("GET / HTTP/1.1", "Host: x"))
	wantStatus(t, p.head(), 103)
	close(arrived)
	wantStatus(t, p.answer("GET"), 200)
}

// A final answer that comes while the body is still being sent reaches the
// caller every time, even if the target closes at once with bytes unread.
func TestAnswerBeforeTheUploadEnds(t *testing.T) {
	const answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!"
	for _, c := range []struct{ name, field, body string }{
		{"length", "Content-Length: 67108864", repeat('a', 1<<20)},
		{"chunked", "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", 1<<20, repeat('a', 1<<20))},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				p.head()
				p.take(1000)
				p.send(answer)
			})
			g := start(t, bundle{target: u.address})
			for i := range 10 {
				p := g.dial()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					p.send("POST / HTTP/1.1\r\nHost: x\r\n" + c.field + "\r\n\r\n")
					for p.send(c.body) == nil {
						// until the gateway has had enough
					}
				}()
				got := p.answer("POST")
				if payload(got) != "no!" || field(got, "Connection") != "close" {
					t.Fatalf("answer %d: %q", i, got)
				}
				p.Close()
				<-sent
			}
		})
	}
}

// An answer that comes early while both sides go on is a dialogue: the rest of
// the upload is still wanted as long as the answer lasts.
func TestEarlyAnswerAndUploadGoOn(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		p.head()
		p.take(6)
		p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
		if got := p.take(6); got != "1\r\ny\r\n" {
			t.Errorf("upload went on with %q", got)
		}
		p.take(5)
		p.send("1\r\nb\r\n0\r\n\r\n")
		p.rest()
	})
	p := start(t, bundle{target: u.address}).dial()
	p.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0001\r\nx\r\n")
	wantStatus(t, p.head(), 200)
	if got := p.take(6); got != "1\r\na\r\n" {
		t.Errorf("first piece %q", got)
	}
	p.send("1\r\ny\r\n0\r\n\r\n")
	if got := p.take(11); got != "1\r\nb\r\n0\r\n\r\n" {
		t.Errorf("the rest %q", got)
	}
}
