package gateway

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forwarded is what the gateway adds to a request of a caller on loopback.
func forwarded(host string) string {
	return "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: " + host + "\r\n"
}

// Raw request in, raw upstream request out, raw answer in, raw answer out.
func TestMessagesAreRelayedByteForByte(t *testing.T) {
	type message struct{ sent, received string }
	for _, c := range []struct {
		name            string
		request, answer message
	}{
		{
			"fields keep their case, order, spacing and repetition",
			message{
				"GET /a HTTP/1.1\r\nhOsT:  x.example \r\nx-b: 2\r\nX-A:1\r\nX-B:  two \r\nCookie: a=1\r\nCookie: b=2\r\nX_Own: kept\r\n\r\n",
				"GET /a HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x.example") + "x-b: 2\r\nX-A:1\r\nX-B:  two \r\nCookie: a=1\r\nCookie: b=2\r\nX_Own: kept\r\nVia: 1.1 postern\r\n\r\n",
			},
			message{
				"HTTP/1.1 200 Fine, thanks\r\ndate: then\r\nSERVER: mine\r\nset-cookie: a=1\r\nContent-type:text/x\r\nSet-Cookie:   b=2\r\nContent-Length: 2\r\nX-Last: 1\r\n\r\nok",
				"HTTP/1.1 200 Fine, thanks\r\ndate: then\r\nSERVER: mine\r\nset-cookie: a=1\r\nContent-type:text/x\r\nSet-Cookie:   b=2\r\nX-Last: 1\r\nContent-Length: 2\r\n\r\nok",
			},
		},
		{
			"no reason, no date and no type are invented",
			message{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\n\r\n"},
			message{"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
		},
		{
			"query bytes are nobody's business",
			message{"GET /p;x=1?q=%20+&q=1&%zz=\"{}|^`?? HTTP/1.1\r\nHost: x\r\n\r\n", "GET /p;x=1?q=%20+&q=1&%zz=\"{}|^`?? HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\n\r\n"},
			message{ok, ok},
		},
		{
			"an empty query stays",
			message{"GET /p? HTTP/1.1\r\nHost: x\r\n\r\n", "GET /p? HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\n\r\n"},
			message{ok, ok},
		},
		{
			"absolute-form becomes origin-form (RFC 9112 3.2.2)",
			message{"GET http://x:80/p?q HTTP/1.1\r\nHost: x:80\r\n\r\n", "GET /p?q HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x:80") + "Via: 1.1 postern\r\n\r\n"},
			message{ok, ok},
		},
		{
			"hop-by-hop fields end here, both ways (RFC 9110 7.6.1)",
			message{
				"GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nx-hop: 2\r\nKeep-Alive: timeout=1\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTE: gzip\r\nX-End: 1\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "X-End: 1\r\nVia: 1.1 postern\r\n\r\n",
			},
			message{
				"HTTP/1.1 200 OK\r\nConnection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n\r\nok",
				"HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n\r\nok",
			},
		},
		{
			"connection removes nothing that the gateway says or needs",
			message{
				"GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Forwarded-For, Via, Host, Authorization, Cookie, Content-Type\r\nAuthorization: Bearer a\r\nCookie: c\r\nContent-Type: t\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Authorization: Bearer a\r\nCookie: c\r\nContent-Type: t\r\nVia: 1.1 postern\r\n\r\n",
			},
			message{ok, ok},
		},
		{
			"nobody is believed for whom it forwards, in no spelling",
			message{
				"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\nx_forwarded_for: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /e\r\nX-Forwarded-User: root\r\nX.Forwarded.For: 1.1.1.1\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\n\r\n",
			},
			message{ok, ok},
		},
		{
			"TE: trailers is asked again (RFC 9110 10.1.4)",
			message{
				"GET / HTTP/1.1\r\nHost: x\r\nTE: gzip;q=0.5, trailers\r\nConnection: TE\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
			},
			message{ok, ok},
		},
		{
			"via grows, with the version received (RFC 9110 7.6.3)",
			message{
				"GET / HTTP/1.0\r\nHost: x\r\nVia: 1.1 outer\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 outer\r\nVia: 1.0 postern\r\n\r\n",
			},
			message{ok, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"},
		},
		{
			"traceparent passes",
			message{
				"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b\r\nVia: 1.1 postern\r\n\r\n",
			},
			message{ok, ok},
		},
		{
			"a length is written as a plain number",
			message{
				"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length:  3\t\r\nContent-Type: a/b\r\n\r\nabc",
				"PUT / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Content-Type: a/b\r\nVia: 1.1 postern\r\nContent-Length: 3\r\n\r\nabc",
			},
			message{ok, ok},
		},
		{
			"a length of nothing stays, and no type is invented",
			message{
				"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
				"POST / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\nContent-Length: 0\r\n\r\n",
			},
			message{ok, ok},
		},
		{
			"an extension method",
			message{"M-SEARCH /p HTTP/1.1\r\nHost: x\r\n\r\n", "M-SEARCH /p HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "Via: 1.1 postern\r\n\r\n"},
			message{ok, ok},
		},
		{
			"bytes above ASCII in a field pass as they are",
			message{"GET / HTTP/1.1\r\nHost: x\r\nX-Name: J\xfcrgen \xc3\xbc\r\n\r\n", "GET / HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("x") + "X-Name: J\xfcrgen \xc3\xbc\r\nVia: 1.1 postern\r\n\r\n"},
			message{"HTTP/1.1 200 \xfc\r\nX-Name: \xc3\xbc\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 \xfc\r\nX-Name: \xc3\xbc\r\nContent-Length: 0\r\n\r\n"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(c.answer.sent))
			answer := start(t, bundle{target: u.address}).do(c.request.sent)
			want := strings.ReplaceAll(c.request.received, "TARGET", u.address)
			if diff := cmp.Diff(want, withoutID(u.next())); diff != "" {
				t.Errorf("upstream request, - want + got:\n%s", diff)
			}
			if diff := cmp.Diff(c.answer.received, withoutID(answer)); diff != "" {
				t.Errorf("answer, - want + got:\n%s", diff)
			}
		})
	}
}

// withoutID removes the request id, which no two requests share.
func withoutID(message string) string {
	before, id, found := strings.Cut(message, "X-Request-Id: ")
	if !found {
		return message
	}
	_, after, _ := strings.Cut(id, "\r\n")
	return before + after
}

func TestHostSent(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"target", "TARGET"},
		{"caller", "api.example:81"},
		{"inner.example", "inner.example"},
	} {
		t.Run(c.host, func(t *testing.T) {
			u := newTarget(t, always(ok))
			start(t, bundle{target: u.address, upstream: "host: " + c.host}).do("GET / HTTP/1.1\r\nHost: api.example:81\r\n\r\n")
			want := strings.Replace(c.want, "TARGET", u.address, 1)
			if got := field(u.next(), "Host"); got != want {
				t.Errorf("host %q, want %q", got, want)
			}
		})
	}
}

func TestUpstreamAddress(t *testing.T) {
	for _, c := range []struct{ name, base, prefix, strip, path, want string }{
		{"what follows the prefix", "/a", "", "true", "/a/x/y?q", "/x/y?q"},
		{"the target's path precedes it", "/a", "/b", "true", "/a/x?q", "/b/x?q"},
		{"one slash at the seam", "/a", "/b/", "true", "/a/x", "/b/x"},
		{"nothing follows", "/a", "/b", "true", "/a", "/b"},
		{"nothing at all", "/a", "", "true", "/a?q=1", "/?q=1"},
		{"a slash follows", "/a", "/b", "true", "/a/", "/b/"},
		{"the prefix is kept", "/a", "/b", "false", "/a/x", "/b/a/x"},
		{"slashes in the path are kept", "/a", "/b", "true", "/a//x//", "/b//x//"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newTarget(t, always(ok))
			g := start(t, bundle{target: u.address, base: c.base, prefix: c.prefix, upstream: "strip_prefix: " + c.strip})
			wantStatus(t, g.do("GET "+c.path+" HTTP/1.1\r\nHost: x\r\n\r\n"), 200)
			line, _, _ := strings.Cut(u.next(), "\r\n")
			if want := "GET " + c.want + " HTTP/1.1"; line != want {
				t.Errorf("request line %q, want %q", line, want)
			}
		})
	}
}

func TestTrustedProxyIsContinued(t *testing.T) {
	u := newTarget(t, always(ok))
	g := start(t, bundle{target: u.address, top: "trusted_proxies: [127.0.0.1]"})
	g.do(lines("GET / HTTP/1.1", "Host: x", "X-Forwarded-For: 192.0.2.1, 192.0.2.2", "X-Forwarded-For: 192.0.2.3",
		"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example", "Forwarded: for=192.0.2.1;proto=https", "X-Forwarded-Prefix: /p"))
	got := withoutID(u.next())
	want := lines("GET / HTTP/1.1", "Host: "+u.address, "X-Forwarded-For: 192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1",
		"Forwarded: for=192.0.2.1;proto=https, for=127.0.0.1;proto=http",
		"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example", "X-Forwarded-Prefix: /p", "Via: 1.1 postern")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- want + got:\n%s", diff)
	}
}
