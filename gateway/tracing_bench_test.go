package gateway

import (
	"bufio"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// BenchmarkTracing is what tracing adds to reading a request and taking its
// place in a trace; "off" is the reading alone.
func BenchmarkTracing(b *testing.B) {
	for _, bb := range []struct{ name, section, line string }{
		{"off", "", "X-Other: 1"},
		{"off, told", "", "traceparent: " + callerParent},
		{"begins here", "tracing: {sample: none}\n", "X-Other: 1"},
		{"goes on", "tracing: {}\n", "traceparent: " + callerParent[:53] + "00"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g, _ := newGateway(b, bb.section+shop, upstreamAnswers)
			t := g.live.Load().tracer
			x, read := rereader("GET / HTTP/1.1", "Host: h", "User-Agent: bench", "Accept: */*", bb.line)
			b.ReportAllocs()
			for b.Loop() {
				read()
				if t != nil {
					t.begin(x)
				}
			}
		})
	}
}

// rereader returns an exchange and what reads the same request into it again,
// as the server does, without allocating.
func rereader(head ...string) (x *exchange.Exchange, read func()) {
	raw := lines(head...)
	text, br := strings.NewReader(raw), bufio.NewReader(nil)
	x = &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	return x, func() {
		text.Reset(raw)
		br.Reset(text)
		x.Reset()
		_ = x.HTTP.Request.Header.Read(br)
		x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
	}
}
