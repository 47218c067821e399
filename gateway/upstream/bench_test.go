package upstream_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/upstream"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// answering listens on loopback and answers every head with the same text.
func answering(b testing.TB, answer string) (url string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for br := bufio.NewReader(c); ; {
					line, err := br.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						io.WriteString(c, answer)
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// BenchmarkForward is a request on a kept connection over loopback, answered by
// a peer that does nothing else.
func BenchmarkForward(b *testing.B) {
	url := answering(b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	forward := forwarder(b, started(b, config.Upstream{Targets: []config.Target{{URL: url}}}))
	b.ReportAllocs()
	for b.Loop() {
		forward()
	}
}

// BenchmarkFailing is what targets that fail add to a request, which another
// one answers in the end: nothing once the target is ejected.
func BenchmarkFailing(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	refusing := "http://" + l.Addr().String()
	l.Close()
	well := answering(b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	other := answering(b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	busy := answering(b, "HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\nno")
	never, always := &config.Ejection{None: true}, &config.Ejection{Failures: 1, Base: config.Duration(time.Hour), Max: config.Duration(time.Hour)}
	retry := &config.Retry{Budget: 1}
	for _, tt := range []struct {
		name string
		cfg  config.Upstream
	}{
		{"none", config.Upstream{Targets: []config.Target{{URL: well}, {URL: other}}, Ejection: never}},
		{"none of three", config.Upstream{Targets: []config.Target{{URL: well}, {URL: other}, {URL: well + "/a"}}, Retry: retry}},
		{"refusing, every request", config.Upstream{Targets: []config.Target{{URL: refusing, Weight: 100}, {URL: well}}, Ejection: never}},
		{"503, every request", config.Upstream{Targets: []config.Target{{URL: busy, Weight: 100}, {URL: well}}, Ejection: never, Retry: retry}},
		{"503, ejected", config.Upstream{Targets: []config.Target{{URL: busy}, {URL: well}, {URL: other}}, Ejection: always, Retry: retry}},
		{"circuit breaker", config.Upstream{Targets: []config.Target{{URL: well}}, CircuitBreaker: new(config.CircuitBreaker)}},
		{"max_pending", config.Upstream{Targets: []config.Target{{URL: well}}, MaxPending: 10}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			forward := forwarder(b, started(b, tt.cfg))
			b.ReportAllocs()
			for b.Loop() {
				forward()
			}
		})
	}
}

// started is an upstream that runs until the benchmark ends.
func started(b testing.TB, cfg config.Upstream) *upstream.Upstream {
	b.Helper()
	all := &config.Config{APIs: []config.API{{Upstream: cfg}}}
	all.SetDefaults()
	u, err := upstream.New(all.APIs[0].Upstream, upstream.Options{Limits: all.Limits, Counts: new(metrics.API), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	u.Start()
	b.Cleanup(func() { u.Close() })
	return u
}

// forwarder returns what forwards one request through u, always on the same
// exchange, and takes the whole answer.
func forwarder(b testing.TB, u *upstream.Upstream) func() {
	caller, peer := net.Pipe()
	b.Cleanup(func() { caller.Close(); peer.Close() })
	const raw = "GET /orders/7 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"
	text, br := strings.NewReader(raw), bufio.NewReader(nil)
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	conn := wire.NewConn(caller)
	conn.Peer = "192.0.2.7"
	body := make([]byte, 64)
	return func() {
		text.Reset(raw)
		br.Reset(text)
		x.Reset()
		_ = x.HTTP.Request.Header.Read(br) // it is whole
		x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
		x.Conn, x.Started, x.Path, x.Rest = conn, time.Now(), append(x.Path, "/orders/7"...), []byte("/orders/7")
		if err := u.Forward(x); err != nil {
			b.Fatal(err)
		}
		for x.Answer.Body != nil && !x.Answer.Body.Done() {
			if _, err := x.Answer.Body.Read(body); err != nil {
				break
			}
		}
		x.Answer.Release(true)
	}
}
