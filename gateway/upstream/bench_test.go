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
	cfg := &config.Config{APIs: []config.API{{Upstream: config.Upstream{Targets: []config.Target{{URL: url}}}}}}
	cfg.SetDefaults()
	u, err := upstream.New(cfg.APIs[0].Upstream, upstream.Options{Limits: cfg.Limits, Counts: new(metrics.API), Log: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	u.Start()
	defer u.Close()
	forward := forwarder(b, u)
	b.ReportAllocs()
	for b.Loop() {
		forward()
	}
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
