package invocationlog_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/policy/invocationlog"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// site is a gateway's whose events go to to.
func site(to *destination.Destination) invocationlog.Site {
	plain := func(dst, text []byte, _ *[]byte) []byte { return append(dst, text...) }
	return invocationlog.Site{
		API: &config.API{Name: "orders", Version: "1"}, Node: "host", Bodies: message.New(1<<20, 1<<24), Secrets: []string{"X-Token"},
		Mask: plain, MaskPath: plain, Hide: func(int) func([]byte, *message.Copy) ([]byte, bool) { return nil }, To: func([]string) []*destination.Destination { return []*destination.Destination{to} },
	}
}

func all() (kinds [event.Kinds]bool) {
	for k := range kinds {
		kinds[k] = true
	}
	return kinds
}

// request is an exchange that is answered with a body.
type request struct {
	x           *exchange.Exchange
	body        wire.Body
	reader      *bytes.Reader
	br          *bufio.Reader
	field, text string
	kind        string
	answer      []byte
}

func newRequest(field, value, query string) *request {
	r := &request{x: &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}, field: field, text: value, reader: bytes.NewReader(nil)}
	r.br = bufio.NewReader(r.reader)
	r.x.Query = []byte(query)
	return r
}

// play lets a request pass, with all that a gateway notes of it.
func (r *request) play(t testing.TB, h exchange.Handler) {
	x := r.x
	x.ID, x.API, x.Route, x.Started, x.Upstream, x.Attempts = append(x.ID[:0], "r-1"...), "orders/1", "/x", time.Unix(1e9, 0), "http://u", 1
	x.Address = netip.AddrFrom4([4]byte{192, 0, 2, 7})
	x.HTTP.Request.Header.SetMethod("GET")
	x.Head.Add(r.field, r.text)
	if err := h(x); err != nil {
		t.Fatal(err)
	}
	if x.Answer.Body != nil {
		if _, err := io.Copy(io.Discard, x.Answer.Body); err != nil {
			t.Fatal(err)
		}
	}
	x.Finish(exchange.End{Status: 200, Duration: time.Millisecond, Sent: int64(len(r.answer))})
	x.Reset()
}

func (r *request) serve(x *exchange.Exchange) error {
	x.Answer.Status = 200
	if r.answer != nil {
		r.reader.Reset(r.answer)
		r.br.Reset(r.reader)
		r.body.SetLength(r.br, int64(len(r.answer)))
		x.Answer.Body = &r.body
		x.Answer.Head.Add("Content-Type", r.kind)
	}
	return nil
}

// tell is the events that a rule makes of a request.
func tell(t testing.TB, cfg config.InvocationLog, r *request) (events []map[string]any) {
	core, logs := observer.New(zap.InfoLevel)
	d := destination.NewLog(destination.Options{Queue: 1 << 24, Counts: new(metrics.Events), Kinds: all(), Log: zap.NewNop()}, zap.InfoLevel, zap.New(core))
	d.Start()
	l := invocationlog.New([]*config.InvocationLog{&cfg}, site(d))
	r.play(t, exchange.Chain(r.serve, l.Begin, l.Client, l.Server))
	d.Stop(context.Background())
	for _, line := range logs.All() {
		var e map[string]any
		raw := line.Context[0].Interface.(json.RawMessage)
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("%v: %q", err, raw)
		}
		if bytes.ContainsAny(raw, "\n\r") {
			t.Fatalf("two lines: %q", raw)
		}
		events = append(events, e)
	}
	return events
}

func everything() config.InvocationLog {
	stored := &config.LoggedMessage{Headers: true, Body: true}
	return config.InvocationLog{When: "always", Request: stored, Response: stored, Messages: []string{"client", "server"}, MaxBody: 1000}
}

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		name, kind, answer, want, encoding string
		cut                                bool
	}{
		{"text", "text/plain", "grün", "grün", "", false},
		{"not UTF-8", "text/plain", "gr\xfcn", "Z3L8bg==", "base64", false},
		{"too long", "text/plain", strings.Repeat("a", 1001), strings.Repeat("a", 1000), "", true},
		{"too long, in the middle of a character", "text/plain", strings.Repeat("a", 999) + "ü", strings.Repeat("a", 999), "", true},
		{"as long as may be", "text/plain", strings.Repeat("a", 1000), strings.Repeat("a", 1000), "", false},
		{"lines", "text/plain", "a\n{\"x\":1}\n", "a\n{\"x\":1}\n", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest("Accept", "*/*", "")
			r.answer, r.kind = []byte(tt.answer), tt.kind
			e := tell(t, everything(), r)[0]
			encoding, _ := e["resPayloadEncoding"].(string)
			if e["resPayload"] != tt.want || encoding != tt.encoding || (e["resPayloadTruncated"] == true) != tt.cut || e["nativeResPayload"] != tt.want {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestSecretFields(t *testing.T) {
	for _, name := range []string{"Authorization", "authorization", "Proxy-Authorization", "Cookie", "X-Gateway-APIKey", "x_gateway_apikey", "X-Token", "x-TOKEN", "DPoP"} {
		e := tell(t, everything(), newRequest(name, "s3cr3t", ""))[0]
		if got := e["requestHeaders"].(map[string]any)[name]; got != "**************" {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := tell(t, everything(), newRequest("X-Tokens", "plain", ""))[0]["requestHeaders"].(map[string]any)["X-Tokens"]; got != "plain" {
		t.Errorf("%v", got)
	}
}

// Whatever strangers send, an event is one line of JSON that says the same.
func FuzzEvent(f *testing.F) {
	f.Add("X-A", "1", "a=1&b=2", "body")
	f.Add("Referer", "//@/?", "", "")
	f.Add("x\"\n", "\\\xff\u2028", "&&a=%zz&=;", "\x00\n\xf0\x9f")
	f.Fuzz(func(t *testing.T, field, value, query, body string) {
		r := newRequest(field, value, query)
		r.answer, r.kind = []byte(body), value
		events := tell(t, everything(), r)
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		if got, isText := events[0]["resPayload"].(string); isText && events[0]["resPayloadEncoding"] == nil && len(body) <= 1000 && !strings.Contains(strings.ToLower(value), "form") && got != body {
			t.Fatalf("body %q became %q", body, got)
		}
	})
}

// benches are handlers, with what they store.
func benches(tb testing.TB) map[string]func() {
	d := destination.NewLog(destination.Options{Queue: 1 << 16, Counts: new(metrics.Events), Kinds: all(), Log: zap.NewNop()}, zap.DebugLevel, zap.NewNop())
	made := map[string]func(){}
	for name, cfg := range map[string]config.InvocationLog{
		"nothing":  {When: "always", Messages: []string{"client"}},
		"headers":  {When: "always", Messages: []string{"client"}, Request: &config.LoggedMessage{Headers: true}, Response: &config.LoggedMessage{Headers: true}},
		"bodies":   {When: "always", Messages: []string{"client"}, Response: &config.LoggedMessage{Body: true}, MaxBody: 64 << 10},
		"unlogged": {When: "failure", Messages: []string{"client"}},
	} {
		r := newRequest("Accept", "application/json", "a=1&b=2")
		if name == "bodies" {
			r.answer, r.kind = bytes.Repeat([]byte("a"), 1000), "text/plain"
		}
		l := invocationlog.New([]*config.InvocationLog{&cfg}, site(d))
		h := exchange.Chain(r.serve, l.Begin, l.Client)
		made[name] = func() { r.play(tb, h) }
	}
	return made
}

func BenchmarkEvent(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
