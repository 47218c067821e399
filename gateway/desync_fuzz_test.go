package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// hasty are the limits of a gateway that is told nonsense all the time.
const hasty = "header_timeout: 1s\nbody_timeout: 1s\nidle_timeout: 1s"

// FuzzRequestStream says any bytes on one connection. What is forwarded is what
// net/http reads in those bytes: as many messages, with the same methods, hosts,
// paths and bodies.
func FuzzRequestStream(f *testing.F) {
	for _, c := range smuggled {
		f.Add([]byte(c.sent + next))
	}
	u := newRecorder(f)
	g := start(f, bundle{target: u.address, limits: hasty, upstream: "host: caller"})
	f.Fuzz(func(t *testing.T, raw []byte) {
		told := g.say(raw)
		agree(t, raw, told, u.take(t))
		judged(t, raw, told)
	})
}

// asked are the requests of a caller whose upstream answers with any bytes. Each
// names itself, and so does the gateway's answer to it.
var asked = []struct{ method, text string }{
	{"GET", "GET /1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-1\r\n\r\n"},
	{"HEAD", "HEAD /2 HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-2\r\n\r\n"},
	{"POST", "POST /3 HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-3\r\nContent-Length: 3\r\n\r\nabc"},
	{"GET", "GET /4 HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-4\r\n\r\n"},
}

// FuzzAnswerStream lets an upstream say any bytes in answer to each request. A
// caller that reads as net/http does finds one answer to each request, its own
// one, and in it what net/http would have read from the upstream.
func FuzzAnswerStream(f *testing.F) {
	for _, c := range split {
		f.Add([]byte(c.sent), true)
		f.Add([]byte(c.sent), false)
	}
	var now atomic.Pointer[script]
	u := newSpeaker(f, &now)
	g := start(f, bundle{target: u.address, limits: hasty, upstream: "timeout: 30ms\nidle_timeout: 30ms"})
	var requests strings.Builder
	for _, a := range asked {
		requests.WriteString(a.text)
	}
	f.Fuzz(func(t *testing.T, raw []byte, closes bool) {
		now.Store(&script{raw, closes})
		checkAnswers(t, raw, g.say([]byte(requests.String())))
	})
}

// script is what an upstream says in answer to any request, and whether it then
// says no more.
type script struct {
	said   []byte
	closes bool
}

// newSpeaker is a target that plays the script of the moment.
func newSpeaker(t testing.TB, now *atomic.Pointer[script]) *target {
	return newTarget(t, func(_ *target, p *peer) {
		for {
			request, err := http.ReadRequest(p.br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body) // what is missing shows at the next one
			s := now.Load()
			if _, err := p.Conn.Write(s.said); err != nil {
				return
			}
			if s.closes {
				_ = p.Conn.(*net.TCPConn).CloseWrite() // or the gateway has been faster
			}
		}
	})
}

// checkAnswers reads what a caller was told.
func checkAnswers(t *testing.T, raw, told []byte) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(told))
	for n := 0; ; {
		if _, err := br.Peek(1); err == io.EOF {
			return
		}
		if n == len(asked) {
			rest, _ := io.ReadAll(br)
			t.Fatalf("after the last answer comes %q; the upstream said %q", rest, raw)
		}
		request := &http.Request{Method: asked[n].method}
		r, err := http.ReadResponse(br, request)
		if err != nil {
			t.Fatalf("answer %d is not understood: %v; the upstream said %q, the caller was told %q", n+1, err, raw, told)
		}
		if r.StatusCode < 200 {
			continue
		}
		n++
		if id := fmt.Sprint("request-", n); r.Header.Get("X-Request-Id") != id || len(r.Header.Values("X-Request-Id")) != 1 {
			t.Fatalf("answer %d is to %q; the upstream said %q, the caller was told %q", n, r.Header.Values("X-Request-Id"), raw, told)
		}
		body, err := io.ReadAll(r.Body)
		compareAnswer(t, raw, request.Method, r, body, err)
		if err != nil || r.Close {
			if rest, _ := io.ReadAll(br); len(rest) > 0 {
				t.Fatalf("after a connection's last answer comes %q; the upstream said %q", rest, raw)
			}
			return
		}
	}
}

// compareAnswer compares an answer that was passed on with what net/http reads in
// the upstream's bytes.
func compareAnswer(t *testing.T, raw []byte, method string, got *http.Response, body []byte, bodyErr error) {
	t.Helper()
	if strings.HasPrefix(got.Header.Get("Content-Type"), "application/problem+json") {
		return // the gateway speaks for itself
	}
	br := bufio.NewReader(bytes.NewReader(raw))
	for {
		want, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return // more lenient than net/http; what came out was read by it
		}
		if want.StatusCode < 200 {
			continue
		}
		text, err := io.ReadAll(want.Body)
		if got.StatusCode != want.StatusCode || err == nil && bodyErr == nil && !bytes.Equal(text, body) {
			t.Fatalf("%d with %q is passed on, net/http reads %d with %q; the upstream said %q", got.StatusCode, body, want.StatusCode, text, raw)
		}
		return
	}
}
