package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

func TestAccessLine(t *testing.T) {
	g, _ := newGateway(t, shop, func(x *exchange.Exchange) error {
		x.Caller.Subject, x.Upstream, x.Attempts, x.UpstreamTime = `al"ice`, "http://127.0.0.1:9", 2, 1234567*time.Nanosecond
		if string(x.Query) == "token=secret" {
			return problem.UpstreamFailed.Because(errors.New("dial: refused"))
		}
		return upstreamAnswers(x)
	})
	var out bytes.Buffer
	g.access.out = &out
	for _, tt := range []struct {
		name, target string
		end          exchange.End
		want         string
	}{
		{
			"good", "/gateway/orders/orders?a=b",
			exchange.End{Status: 200, Sent: 5, Received: 7, Duration: 12*time.Millisecond + 3400},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","client":"192.0.2.7","method":"GET","host":"h","path":"/gateway/orders/orders","api":"orders/1.0","status":200,"code":"","reason":"","sub":"al\"ice","upstream":"http://127.0.0.1:9","attempts":2,"duration_ms":12.003,"upstream_ms":1.234,"sent":5,"received":7,"error":""}`,
		},
		{
			"failed, cut short", "/gateway/orders/orders?token=secret",
			exchange.End{Status: 502, Err: errors.New("write: broken\npipe")},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","client":"192.0.2.7","method":"GET","host":"h","path":"/gateway/orders/orders","api":"orders/1.0","status":502,"code":"upstream_failed","reason":"dial: refused","sub":"al\"ice","upstream":"http://127.0.0.1:9","attempts":2,"duration_ms":0.000,"upstream_ms":1.234,"sent":0,"received":0,"error":"write: broken\u000apipe"}`,
		},
		{
			"bad path", "/a%00?token=secret",
			exchange.End{Status: 400},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","client":"192.0.2.7","method":"GET","host":"h","path":"/a%00","api":"","status":400,"code":"bad_path","reason":"path holds an escaped control character or backslash","sub":"","upstream":"","attempts":0,"duration_ms":0.000,"upstream_ms":0.000,"sent":0,"received":0,"error":""}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out.Reset()
			x := newExchange(t, "GET", tt.target, "X-Request-Id: r1", "Authorization: Bearer secret", "Cookie: secret")
			x.Started = time.Date(2026, 2, 3, 5, 5, 6, 7e6, time.FixedZone("", 3600))
			g.Handle(x)
			x.Finish(tt.end)
			g.access.flush()
			if diff := cmp.Diff(tt.want+"\n", out.String()); diff != "" || !json.Valid(out.Bytes()) {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccessLogOff(t *testing.T) {
	g, _ := newGateway(t, shop+"logging: {access: false}\n", upstreamAnswers)
	var out bytes.Buffer
	g.access.out = &out
	x := begin(t, g, "/files/a")
	x.Finish(exchange.End{Status: 200})
	g.access.flush()
	if out.Len() > 0 {
		t.Errorf("written: %s", &out)
	}
}

// gate is a writer that waits until it is opened.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(p)
}

func (g *gate) lines() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Count(g.buf.Bytes(), []byte("\n"))
}

func TestLinesAreWrittenOrCounted(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	out := &gate{open: make(chan struct{})}
	l := newAccessLog(out, zap.New(core))
	l.start()
	x := newExchange(t, "GET", "/")
	x.Path = append(x.Path, strings.Repeat("a", 10000)...)
	const lines = 1000
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range lines / 4 {
				l.write(x, exchange.End{Status: 200}) // never waits for the gate
			}
		})
	}
	writers.Wait()
	close(out.open)
	l.stop()
	dropped := uint64(0)
	for _, entry := range logs.FilterMessage("access log lines dropped").All() {
		dropped += entry.ContextMap()["lines"].(uint64)
	}
	if dropped == 0 || uint64(out.lines())+dropped != lines {
		t.Errorf("%d written and %d dropped of %d", out.lines(), dropped, lines)
	}
}

func TestLinesAppearSoon(t *testing.T) {
	out := &gate{open: make(chan struct{})}
	close(out.open)
	l := newAccessLog(out, zap.NewNop())
	l.start()
	defer l.stop()
	x := newExchange(t, "GET", "/")
	for n := 1; n <= 3; n++ {
		l.write(x, exchange.End{Status: 200})
		eventually(t, "line is written", func() bool { return out.lines() == n })
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAWriterThatFailsIsReported(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	l := newAccessLog(brokenPipe{}, zap.New(core))
	l.write(newExchange(t, "GET", "/"), exchange.End{})
	l.flush()
	if logs.FilterMessage("write access log").Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
}

func BenchmarkAccessLine(b *testing.B) {
	l := newAccessLog(&bytes.Buffer{}, zap.NewNop())
	x := newExchange(b, "GET", "/gateway/orders/1.0/orders/7")
	x.Path = append(x.Path, x.HTTP.Request.Header.RequestURI()...)
	b.ReportAllocs()
	for b.Loop() {
		lane := &l.lanes[0]
		lane.lines = lane.lines[:0]
		l.write(x, exchange.End{Status: 200, Duration: time.Millisecond})
	}
}
