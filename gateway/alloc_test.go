//go:build !race

package gateway

import (
	"bufio"
	"cmp"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// TestHandleAllocatesNothing serves without an upstream: what is left is the
// gateway's own work.
func TestHandleAllocatesNothing(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		method       string // "": GET
		top          string // more sections
		lines        []string
		peer         string
		status       int
		most         float64
	}{
		{name: "good", target: "/gateway/orders/1.0/orders/7?a=b", status: 200},
		{name: "with an id", target: "/gateway/orders/1.0/orders/7", lines: []string{"X-Request-Id: mine"}, status: 200},
		// An address that is read from text takes one.
		{name: "proxied", target: "/gateway/orders/1.0/orders/7", lines: []string{"X-Forwarded-For: 1.1.1.1"}, peer: "10.0.0.1", status: 200, most: 1},
		{name: "traced, not sampled", top: "tracing: {sample: none}\n", target: "/gateway/orders/1.0/orders/7", status: 200},
		{name: "in the caller's trace", top: "tracing: {}\n", target: "/gateway/orders/1.0/orders/7", lines: []string{"traceparent: " + callerParent[:53] + "00", "tracestate: a=1"}, status: 200},
		{name: "with words for failures", top: "faults: {format: webmethods, native: replace}\n", target: "/gateway/orders/1.0/orders/7", status: 200},
		{name: "with policies", top: everyPolicy, target: "/gateway/orders/1.0/orders/7?a=b", lines: []string{"Origin: https://shop.example", "Authorization: Basic YTpi"}, status: 200},
		{name: "preflight", top: everyPolicy, method: "OPTIONS", target: "/gateway/orders/1.0/orders/7", lines: []string{"Origin: https://shop.example", "Access-Control-Request-Method: GET"}, status: 204},
		{name: "denied", top: everyPolicy, target: "/gateway/orders/1.0/orders/7", peer: "192.0.2.66", status: 403},
		{name: "not found", target: "/gateway/other", status: 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, tt.top+shop, upstreamAnswers)
			g.access.out = io.Discard
			if tt.peer == "" {
				tt.peer = "192.0.2.7"
			}
			peer := netip.AddrPortFrom(netip.MustParseAddr(tt.peer), 1)
			raw := cmp.Or(tt.method, "GET") + " " + tt.target + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(tt.lines, "", ""), "\r\n")
			serve := replay(g, raw, peer, tt.status, func(x *exchange.Exchange) {
				if x.Answer.Status != tt.status && x.HTTP.Response.StatusCode() != tt.status {
					t.Fatalf("status %d, %d", x.Answer.Status, x.HTTP.Response.StatusCode())
				}
			})
			if allocs := testing.AllocsPerRun(500, serve); allocs > tt.most {
				t.Errorf("serving allocates %v times", allocs)
			}
		})
	}
}

// everyPolicy is the policies that need no body and no caller.
const everyPolicy = `policies:
- name: every
  policies:
    cors: {origins: [https://shop.example], credentials: true}
    ipfilter: {allow: [192.0.2.0/24], deny: [192.0.2.66]}
    concurrency: {max: 10, adaptive: true}
    outbound: {api_key: {query: key, value: secret}}
    transform: {request: [{when: {all: [{variable: "${request.httpMethod}", equals: GET}]}, set_headers: {X-A: "${request.correlationID}"}, remove_headers: [X-B]}], response: [{add_headers: {X-A: b}}]}
    mask: {request: [{json_path: $.a}], fault: [{regex: a}]}
`

// replay returns what serves a raw request, each time on the same exchange.
func replay(g *Gateway, raw string, peer netip.AddrPort, status int, check func(*exchange.Exchange)) func() {
	text, br := strings.NewReader(raw), bufio.NewReader(nil)
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	return func() {
		text.Reset(raw)
		br.Reset(text)
		x.Reset()
		x.Peer = peer
		_ = x.HTTP.Request.Header.Read(br) // as in newExchange
		x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
		g.Handle(x)
		check(x)
		x.HTTP.Response.Reset() // as when it has been sent
		x.Finish(exchange.End{Status: status, Duration: time.Millisecond})
		lane := &g.access.lanes[0]
		lane.lines = lane.lines[:0]
	}
}

// TestLinesAllocateNothing writes the line of an ordinary request in every
// format.
func TestLinesAllocateNothing(t *testing.T) {
	x := benchExchange(t)
	for _, format := range []config.Logging{{Format: "json"}, {Format: "combined"}, {Format: "json", Query: true}, {Format: "combined", Query: true}} {
		l, _ := lineWriter(io.Discard)
		f := newLineFormat(format)
		write := func() {
			l.write(x, exchange.End{Status: 200}, &f)
			lane := &l.lanes[0]
			lane.lines = lane.lines[:0]
		}
		write()
		if allocs := testing.AllocsPerRun(500, write); allocs > 0 {
			t.Errorf("%+v: a line allocates %v times", format, allocs)
		}
	}
}
