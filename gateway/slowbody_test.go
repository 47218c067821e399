package gateway

import (
	"fmt"
	"testing"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/upstream"
)

// How long a caller takes to send its body says nothing of the upstream: whoever
// adapts to it must not be misled by callers who dawdle.
func TestSlowBodiesAreNotTheUpstreams(t *testing.T) {
	const dawdling = 50 * time.Millisecond
	heard := make(chan struct{})
	type times struct{ all, answer time.Duration }
	for _, tt := range []struct {
		name  string
		early bool // the upstream answers before the body is there
	}{{"after the body", false}, {"before the body", true}} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, func(_ *target, p *peer) {
				head := p.head()
				heard <- struct{}{}
				if !tt.early {
					p.body(head, false)
				}
				p.send(ok)
			})
			took := make(chan times, 1)
			watch := func(g *Gateway) {
				g.forward = func(u *upstream.Upstream) exchange.Handler {
					return func(x *exchange.Exchange) error {
						defer func() { took <- times{x.UpstreamTime, x.AnswerTime} }()
						return u.Forward(x)
					}
				}
			}
			g := startText(t, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- {name: a, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}
`, u.address), watch)
			p := g.dial()
			p.send("POST /gateway/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc")
			<-heard
			if !tt.early {
				begun := time.Now()
				eventually(t, "the caller has dawdled", func() bool { return time.Since(begun) > dawdling })
				p.send("def")
			}
			wantStatus(t, p.answer("POST"), 200)
			got := <-took
			switch {
			case tt.early && got.answer != 0:
				t.Errorf("%v are counted, though the body was not there", got.answer)
			case !tt.early && (got.answer <= 0 || got.all-got.answer < dawdling):
				t.Errorf("%v of %v are counted", got.answer, got.all)
			}
		})
	}
}
