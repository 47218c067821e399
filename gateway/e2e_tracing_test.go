//go:build otel

package gateway

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
)

// receiver takes spans as a collector does: OTLP over HTTP, in protobuf.
type receiver struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	script func(n int) (status int) // of the nth export
	calls  int
	from   map[string]string // attributes of the resource
	header http.Header
	spans  []*otlp.Span
	raw    []byte // all bodies
}

// openReceiver listens, over TLS when secure is given.
func openReceiver(t testing.TB, secure *tls.Config) *receiver {
	t.Helper()
	r := &receiver{t: t, script: func(int) int { return 200 }}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.take))
	if secure != nil {
		r.TLS = secure
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	zipped, err := gzip.NewReader(req.Body)
	if err != nil {
		r.t.Errorf("body: %v", err)
		return
	}
	body, err := io.ReadAll(zipped)
	export := new(collector.ExportTraceServiceRequest)
	if err == nil {
		err = proto.Unmarshal(body, export)
	}
	if err != nil || req.Method != "POST" || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		r.t.Errorf("%s %s, %v: %v", req.Method, req.URL, req.Header, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	status := r.script(r.calls)
	r.raw = append(r.raw, body...)
	if status == 200 {
		r.header = req.Header
		r.keep(export)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(status)
}

func (r *receiver) keep(export *collector.ExportTraceServiceRequest) {
	for _, from := range export.ResourceSpans {
		r.from = attributesOf(from.Resource.Attributes)
		for _, scope := range from.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// got are the spans so far.
func (r *receiver) got() []*otlp.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// of waits for n spans of a trace and returns them by name.
func (r *receiver) of(trace string, n int) map[string]*otlp.Span {
	r.t.Helper()
	byName := map[string]*otlp.Span{}
	eventually(r.t, fmt.Sprintf("%d spans of %s", n, trace), func() bool {
		clear(byName)
		for _, s := range r.got() {
			if hex.EncodeToString(s.TraceId) == trace {
				byName[s.Name] = s
			}
		}
		return len(byName) >= n
	})
	return byName
}

// attributesOf are attributes as text.
func attributesOf(attributes []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		all[a.Key] = a.Value.GetStringValue()
		if number, ok := a.Value.Value.(*common.AnyValue_IntValue); ok {
			all[a.Key] = fmt.Sprint(number.IntValue)
		}
	}
	return all
}

// exporting is the section tracing for a receiver, on one line.
func exporting(r *receiver, more string) string {
	return fmt.Sprintf("tracing: {endpoint: %q, service_name: edge, timeout: 2s%s}\n", r.URL+"/v1/traces", more)
}

// noLeaks fails the test when it leaves goroutines, after all its other
// clean-ups.
func noLeaks(t testing.TB) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
	})
}

// without takes out the attributes that differ each time.
func without(all map[string]string, names ...string) map[string]string {
	for _, name := range names {
		if all[name] == "" {
			all[name] = "missing"
			continue
		}
		delete(all, name)
	}
	return all
}

// TestSpans follows a token and its request through all spans, and looks for
// what must not be in them.
func TestSpans(t *testing.T) {
	noLeaks(t)
	r, key := openReceiver(t, nil), newSigner(t, "k1")
	iss, u := openIssuer(t, key), newTarget(t, always(ok))
	top := exporting(r, `, headers: [{name: Authorization, value: marker-of-collector}]`)
	d := deploy(t, t.TempDir(), top+orders(u.address, iss.URL, everySecond(iss.URL+"/keys?secret=marker")))
	token := key.sign(t, claims(iss.URL, map[string]any{"aud": "orders"}))
	request := lines("GET /gateway/orders/1.0/orders?secret=marker HTTP/1.1", "Host: shop.example.com", "X-Request-Id: r1",
		"Authorization: Bearer "+token, "traceparent: "+callerParent, "tracestate: a=1", "TraceState: b=2")
	wantStatus(t, d.do(request), 200)
	spans := r.of(callerTrace, 3)
	request1, identify, upstream := spans["GET /gateway/orders/1.0/orders"], spans["identify"], spans["GET"]
	if request1 == nil || identify == nil || upstream == nil {
		t.Fatalf("spans %v", spans)
	}

	if diff := cmp.Diff(map[string]string{
		"http.request.method": "GET", "url.scheme": "http", "url.path": "/gateway/orders/1.0/orders", "http.route": "/gateway/orders/1.0/orders",
		"network.protocol.version": "1.1", "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1", "server.address": "shop.example.com",
		"postern.api": "orders/1.0", "postern.request_id": "r1", "http.response.status_code": "200",
	}, attributesOf(request1.Attributes)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if hex.EncodeToString(request1.ParentSpanId) != callerSpan || request1.Kind != otlp.Span_SPAN_KIND_SERVER || request1.Flags != 0x301 || request1.TraceState != "a=1,b=2" || request1.Status.Code != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("request %v", request1)
	}
	if string(identify.ParentSpanId) != string(request1.SpanId) || identify.Kind != otlp.Span_SPAN_KIND_INTERNAL || attributesOf(identify.Attributes)["postern.identify.outcome"] != "verified" {
		t.Errorf("identify %v", identify)
	}
	if diff := cmp.Diff(map[string]string{
		"http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1", "http.response.status_code": "200", "postern.upstream.attempts": "1",
	}, without(attributesOf(upstream.Attributes), "server.port")); diff != "" {
		t.Errorf("upstream (-want +got):\n%s", diff)
	}
	sent := parentForm.FindStringSubmatch(values(u.next(), "traceparent"))
	if string(upstream.ParentSpanId) != string(request1.SpanId) || upstream.Kind != otlp.Span_SPAN_KIND_CLIENT || hex.EncodeToString(upstream.SpanId) != sent[2] {
		t.Errorf("upstream %v, sent %v", upstream, sent)
	}
	for name, s := range spans {
		if s.StartTimeUnixNano < request1.StartTimeUnixNano || s.EndTimeUnixNano > request1.EndTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%s lies outside of the request", name)
		}
	}

	wantStatus(t, d.do(strings.ReplaceAll(strings.Replace(request, "r1", "r2", 1), "0af7", "0bf7")), 200)
	second := r.of(strings.Replace(callerTrace, "0af7", "0bf7", 1), 3)
	if got := attributesOf(second["identify"].Attributes)["postern.identify.outcome"]; got != "cached" {
		t.Errorf("the second time %q", got)
	}
	r.keyFetches(t, iss.URL)
	_, settings := d.get("/rest/microgateway/settings", "")
	if !strings.Contains(settings, `{"name":"Authorization","value":"***"}`) || strings.Contains(settings, "marker-of-collector") {
		t.Errorf("settings %s", settings)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(map[string]string{"service.name": "edge", "service.version": "v1"}, r.from); diff != "" || r.header.Get("Authorization") != "marker-of-collector" {
		t.Errorf("from %v, %s", r.header, diff)
	}
	for _, secret := range []string{"marker", token, strings.Split(token, ".")[2]} {
		if strings.Contains(string(r.raw), secret) || strings.Contains(d.log.String(), secret) {
			t.Errorf("%q is in spans or in the log", secret)
		}
	}
}

// keyFetches waits for the span of a fetch of keys.
func (r *receiver) keyFetches(t *testing.T, issuer string) {
	t.Helper()
	var s *otlp.Span
	eventually(t, "a span of a key fetch", func() bool {
		all := r.got()
		i := slices.IndexFunc(all, func(s *otlp.Span) bool { return s.Name == "fetch keys" })
		if i >= 0 {
			s = all[i]
		}
		return s != nil
	})
	if diff := cmp.Diff(map[string]string{
		"http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1", "postern.auth_server": "corp",
	}, without(attributesOf(s.Attributes), "server.port", "url.full")); diff != "" || len(s.ParentSpanId) != 0 || s.Kind != otlp.Span_SPAN_KIND_CLIENT {
		t.Errorf("key fetch of %s %v (-want +got):\n%s", issuer, s, diff)
	}
}

func TestSpansOfFailures(t *testing.T) {
	noLeaks(t)
	r := openReceiver(t, nil)
	away := newTarget(t, always(ok))
	away.l.Close()
	iss := openIssuer(t)
	iss.serve(fails(500))
	top := exporting(r, "")
	d := deploy(t, t.TempDir(), top+strings.Replace(orders(away.address, iss.URL, everySecond(iss.URL)), "apis:\n", `apis:
- {name: open, base_path: /open, upstream: {targets: [{url: "http://`+away.address+`"}]}, policies: {identify: none}}
`, 1))
	for i, tt := range []struct {
		name, request    string
		spans            int
		status, kind     string
		failed           bool
		outcome, forward string // of identify; of the upstream
	}{
		{"GET /open/**", lines("GET /open/a HTTP/1.1", "Host: h"), 2, "502", "upstream_failed", true, "", "upstream_failed"},
		{"GET /gateway/orders/1.0/orders", lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: h"), 2, "401", "token_missing", false, "missing", ""},
		{"GET /gateway/orders/1.0/orders", ask("nonsense"), 2, "401", "invalid_token", false, "refused", ""},
		{"GET", lines("GET /nowhere HTTP/1.1", "Host: h", "tracestate: not=\xc3\x28utf8"), 1, "404", "not_found", false, "", ""},
		{"HTTP /open/**", lines("PROPFIND /open/a HTTP/1.1", "Host: h"), 2, "502", "upstream_failed", true, "", "upstream_failed"},
	} {
		trace := fmt.Sprintf("%032x", i+1)
		d.do(strings.Replace(tt.request, "\r\n\r\n", "\r\ntraceparent: 00-"+trace+"-"+callerSpan+"-01\r\n\r\n", 1))
		spans := r.of(trace, tt.spans)
		s := spans[tt.name]
		if s == nil {
			t.Errorf("%s: spans %v", tt.name, spans)
			continue
		}
		a := attributesOf(s.Attributes)
		if a["http.response.status_code"] != tt.status || a["error.type"] != tt.kind || (s.Status.Code == otlp.Status_STATUS_CODE_ERROR) != tt.failed {
			t.Errorf("%s: %v", tt.name, s)
		}
		if identify := spans["identify"]; identify != nil || tt.outcome != "" {
			if got := attributesOf(identify.GetAttributes())["postern.identify.outcome"]; got != tt.outcome {
				t.Errorf("%s: identify %q, want %q", tt.name, got, tt.outcome)
			}
		}
		if tt.forward != "" {
			up := spans["GET"]
			if up == nil {
				up = spans["HTTP"]
			}
			if got := attributesOf(up.GetAttributes())["error.type"]; got != tt.forward || up.Status.Code != otlp.Status_STATUS_CODE_ERROR {
				t.Errorf("%s: upstream %v", tt.name, up)
			}
		}
	}
	eventually(t, "a span of a failed key fetch", func() bool {
		return slices.ContainsFunc(r.got(), func(s *otlp.Span) bool {
			return s.Name == "fetch keys" && s.Status.Code == otlp.Status_STATUS_CODE_ERROR && attributesOf(s.Attributes)["error.type"] == "fetch_failed"
		})
	})
}

// open is the YAML of a gateway that everybody may pass.
func open(target, top string) string { return bundle{target: target, top: top}.text() }

// TestExportOverTLS trusts the collector by the configured authority only.
func TestExportOverTLS(t *testing.T) {
	noLeaks(t)
	ca, u := newAuthority(t), newTarget(t, always(ok))
	ca.file()
	_, _, certificate := ca.issue("collector", "127.0.0.1")
	r := openReceiver(t, &tls.Config{Certificates: []tls.Certificate{certificate}})
	r.Config.ErrorLog = nil
	d := deploy(t, ca.dir, open(u.address, exporting(r, ", ca: ca.pem")))
	wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h", "traceparent: "+callerParent)), 200)
	r.of(callerTrace, 2)
	d.applied(func() { d.write("postern.yaml", open(u.address, exporting(r, ""))) })
	wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h", "traceparent: "+callerParent)), 200)
	eventually(t, "the spans are dropped", func() bool { return d.metric("postern_trace_spans_dropped_total") == "2" })
	if !strings.Contains(d.log.String(), "certificate signed by unknown authority") {
		t.Errorf("log %s", d.log)
	}
}

// TestCollectorFails serves on while the collector is away, answers with errors
// or not at all.
func TestCollectorFails(t *testing.T) {
	for _, tt := range []struct {
		name    string
		script  func(n int) int
		dropped string
	}{
		{"refuses", func(int) int { return 500 }, "2"},
		{"is busy and recovers", func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] }, "0"},
		{"stays busy", func(int) int { return 503 }, "2"},
		{"redirects", func(int) int { return 307 }, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			r, u := openReceiver(t, nil), newTarget(t, always(ok))
			r.script = tt.script
			d := deploy(t, t.TempDir(), open(u.address, exporting(r, "")))
			wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h", "traceparent: "+callerParent)), 200)
			if tt.dropped == "0" {
				r.of(callerTrace, 2)
			}
			eventually(t, tt.dropped+" spans dropped", func() bool { return d.metric("postern_trace_spans_dropped_total") == tt.dropped })
		})
	}
}

// A collector that accepts and says nothing holds up neither a request nor the
// end beyond its bounds.
func TestCollectorHangs(t *testing.T) {
	noLeaks(t)
	silent, u := newTarget(t, never), newTarget(t, always(ok))
	top := fmt.Sprintf("tracing: {endpoint: \"http://%s/v1/traces\", timeout: 1h, queue: 10}\n", silent.address)
	d := deploy(t, t.TempDir(), open(u.address, top))
	for range 30 {
		wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h")), 200)
	}
	silent.next() // an export has begun
	for range 30 {
		wantStatus(t, d.do(lines("GET /a HTTP/1.1", "Host: h")), 200)
	}
	eventually(t, "spans are dropped", func() bool { return d.metric("postern_trace_spans_dropped_total") != "0" })
}

// TestReloadLosesNoSpans changes the section under load, once for another
// collector, and then ends the gateway.
func TestReloadLosesNoSpans(t *testing.T) {
	noLeaks(t)
	first, second, u := openReceiver(t, nil), openReceiver(t, nil), newTarget(t, always(ok))
	more := ", max_per_second: 1000000, queue: 100000"
	d := deploy(t, t.TempDir(), open(u.address, exporting(first, more)))
	stop := d.traffic(4, 200, func() string { return lines("GET /a HTTP/1.1", "Host: h") })
	eventually(t, "spans at the first", func() bool { return len(first.got()) > 0 })
	d.applied(func() { d.write("postern.yaml", open(u.address, exporting(second, more))) })
	eventually(t, "spans at the second", func() bool { return len(second.got()) > 0 })
	d.applied(func() { d.write("postern.yaml", open(u.address, exporting(second, more)+"shutdown: {grace: 10s}\n")) })
	sent := stop()
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Shutdown(within); err != nil {
		t.Fatal(err)
	}
	if got := int64(len(first.got()) + len(second.got())); got != 2*sent {
		t.Errorf("%d spans of %d requests, dropped %d", got, sent, d.metrics.SpansDropped().Get())
	}
}
