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
		{"off", "", ""},
		{"off, told", "", "traceparent: " + callerParent},
		{"begins here", "tracing: {sample: none}\n", ""},
		{"goes on", "tracing: {}\n", "traceparent: " + callerParent[:53] + "00"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g, _ := newGateway(b, bb.section+shop, upstreamAnswers)
			t := g.live.Load().tracer
			raw := "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: bench\r\nAccept: */*\r\n" + bb.line
			raw = strings.TrimSuffix(raw, "\r\n") + "\r\n\r\n"
			text, br := strings.NewReader(raw), bufio.NewReader(nil)
			x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
			b.ReportAllocs()
			for b.Loop() {
				text.Reset(raw)
				br.Reset(text)
				x.Reset()
				_ = x.HTTP.Request.Header.Read(br)
				x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
				if t != nil {
					t.begin(x)
				}
			}
		})
	}
}
