package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/upstream"
)

// looking makes a gateway look into every body before it is forwarded, and into
// every answer; change, when not nil, writes new ones.
func looking(change func(string) string) Option {
	bodies := message.New(8<<20, 64<<20)
	return func(g *Gateway) {
		g.forward = func(u *upstream.Upstream) exchange.Handler {
			return func(x *exchange.Exchange) error {
				m, err := bodies.Request(x)
				if err != nil {
					return err
				}
				if change != nil {
					m.Replace([]byte(change(string(m.Raw()))))
				}
				if err := u.Forward(x); err != nil {
					return err
				}
				a, err := bodies.Answer(x)
				if err == nil && change != nil {
					a.Replace([]byte(change(string(a.Raw()))))
				}
				return err
			}
		}
	}
}

// answering records what it is sent, and answers in chunks.
func answering(u *target, p *peer) {
	for {
		request := p.request()
		if request == "" {
			return
		}
		u.seen <- request
		p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n")
	}
}

// headAndBody are the parts of a raw message.
func headAndBody(text string) (head, body string) {
	head, body, _ = strings.Cut(text, "\r\n\r\n")
	return head, body
}

func TestHeldBodiesAreSentAsTheyCame(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 3<<10)
	for _, tt := range []struct{ name, framing, body, length, want string }{
		{"short", "Content-Length: 5", "hello", "5", "hello"},
		{"empty", "Content-Length: 0", "", "0", ""},
		{"none", "X-None: 1", "", "", ""},
		{"long", fmt.Sprintf("Content-Length: %d", len(long)), long, fmt.Sprint(len(long)), long},
		{"chunked", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", "5", "hello"},
		{"trailers", "Transfer-Encoding: chunked", "3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 9\r\n\r\n", "", "5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, answering)
			p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
			for range 2 { // on one connection
				answer := p.do("POST / HTTP/1.1\r\nHost: x\r\n" + tt.framing + "\r\n\r\n" + tt.body)
				if head, body := headAndBody(answer); status(head) != 200 || body != "well" || field(answer, "Content-Length") != "4" {
					t.Fatalf("answer %q", answer)
				}
				request := u.next()
				if _, body := headAndBody(request); body != tt.want || field(request, "Content-Length") != tt.length {
					t.Errorf("the target was sent %.200q", request)
				}
			}
			if n := u.accepted(); n != 1 {
				t.Errorf("%d upstream connections", n)
			}
		})
	}
}

func TestHeldBodyIsAskedFor(t *testing.T) {
	u := newTarget(t, answering)
	p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
	for range 2 {
		p.send(expecting)
		if got := p.head(); got != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("interim answer %q", got)
		}
		p.send("hello")
		wantStatus(t, p.answer("POST"), 200)
		request := u.next()
		if _, body := headAndBody(request); body != "hello" || field(request, "Expect") != "" {
			t.Errorf("the target was sent %q", request)
		}
	}
	p.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n")
	if got := p.head(); status(got) != 413 { // and not asked for
		t.Errorf("answer %q", got)
	}
}

func TestHeldBodyOfHTTP10(t *testing.T) {
	u := newTarget(t, answering)
	p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
	answer := p.do("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
	if _, body := headAndBody(answer); body != "well" || field(answer, "Content-Length") != "4" {
		t.Errorf("answer %q", answer)
	}
	if _, body := headAndBody(u.next()); body != "hello" {
		t.Errorf("the target was sent %q", body)
	}
}

func TestHeldBodyIsReplaced(t *testing.T) {
	u := newTarget(t, answering)
	long := strings.Repeat("x", 50_000)
	p := startText(t, bundle{target: u.address}.text(), looking(func(s string) string { return s + "-" + long })).dial()
	for _, framing := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"} {
		_, answer := headAndBody(p.do("POST / HTTP/1.1\r\nHost: x\r\n" + framing))
		if answer != "well-"+long {
			t.Errorf("answer %.100q", answer)
		}
		request := u.next()
		if _, body := headAndBody(request); body != "hello-"+long || field(request, "Content-Length") != "50006" {
			t.Errorf("the target was sent %.300q", request)
		}
	}
}

// A target that refuses before it has read a long body is heard, and the caller's
// connection goes on: its body has been read.
func TestEarlyAnswerToAHeldBody(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		p.head()
		p.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
		p.rest()
	})
	p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
	body := strings.Repeat("a", 8_000_000)
	for range 3 {
		answer := p.do("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n" + body)
		if diff := cmp.Diff("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!", withoutID(answer)); diff != "" {
			t.Fatalf("- want + got:\n%s", diff)
		}
	}
}

func TestCallerStaysAfterItsHeldBodyCouldNotBeSent(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) { p.Close() })
	p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
	for range 3 {
		wantStatus(t, p.do("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"+strings.Repeat("a", 60_000)), 502)
	}
}

func TestHeldBodyIsSentAgain(t *testing.T) {
	for _, size := range []int{10, 50_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bad := newTarget(t, slam)
			good := newTarget(t, answering)
			text := strings.Replace(bundle{target: bad.address, upstream: "retry: {attempts: 2, on: [reset]}\n"}.text(),
				"targets: [", fmt.Sprintf("targets: [{url: \"http://%s\"}, ", good.address), 1)
			r := startText(t, text, looking(nil))
			body := strings.Repeat("a", size)
			for range 4 { // whichever is asked first
				answer := r.do(fmt.Sprintf("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body))
				wantStatus(t, answer, 200)
				if _, sent := headAndBody(good.next()); sent != body {
					t.Errorf("the second target was sent %.100q", sent)
				}
			}
		})
	}
}

func TestCallerThatOwesAHeldBody(t *testing.T) {
	u := newTarget(t, answering)
	g := startText(t, bundle{target: u.address, limits: "body_timeout: 100ms"}.text(), looking(nil))
	p := g.dial()
	p.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
	wantStatus(t, p.answer("POST"), 408)
	if n := u.accepted(); n != 0 {
		t.Errorf("the target was asked %d times", n)
	}
}

func TestAnswersThatCannotBeHeld(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
	}{
		{"too long by its head", "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", 502},
		{"too long", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.Repeat("a", 9_000_000), 502},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 502},
		{"to the end of the connection", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", 200},
		{"none", "HTTP/1.1 204 No Content\r\n\r\n", 204},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				p.request()
				p.send(tt.answer)
				p.Close()
			})
			p := startText(t, bundle{target: u.address}.text(), looking(nil)).dial()
			for range 2 { // the caller's connection goes on
				wantStatus(t, p.do("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), tt.status)
			}
		})
	}
}
