//go:build otel

package gateway

import (
	"testing"
	"time"

	"postern/gateway/exchange"
)

// BenchmarkSampled is what a sampled request costs the one who serves it: its
// spans are made and handed over. The first is without tracing.
func BenchmarkSampled(b *testing.B) {
	for _, bb := range []struct{ name, section string }{
		{"off", ""},
		{"not sampled", "tracing: {sample: none, endpoint: \"http://127.0.0.1:9/v1/traces\"}\n"},
		{"sampled", "tracing: {max_per_second: 1000000000, endpoint: \"http://127.0.0.1:9/v1/traces\"}\n"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g, _ := newGateway(b, bb.section+shop, upstreamAnswers)
			x, read := rereader("GET /gateway/orders/1.0/orders/7 HTTP/1.1", "Host: h")
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				read()
				x.Started, x.Steps.Forward, x.Upstream = now, now, "http://127.0.0.1:9"
				g.Handle(x)
				x.Finish(exchange.End{Status: 200, Duration: time.Millisecond})
				lane := &g.access.lanes[0]
				lane.lines = lane.lines[:0]
			}
		})
	}
}
