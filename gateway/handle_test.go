package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/admin"
	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/upstream"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// shop is a configuration that has something of everything.
const shop = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0", on_traffic_port: true, user: admin, password: secret}
trusted_proxies: [10.0.0.0/8, "2001:db8::/32"]
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  resources:
  - {path: /orders, methods: [GET, POST]}
  - {path: "/orders/{id}", methods: [GET]}
  policies: {identify: none}
- name: files
  version: "2"
  base_path: /files
  paths: {encoded_slash: keep}
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  policies: {identify: none, protocols: [https]}
`

// handler answers in place of an upstream.
type handler func(x *exchange.Exchange) error

// newGateway applies YAML text to a gateway whose upstreams are answered by h.
func newGateway(t testing.TB, text string, h handler) (*Gateway, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	g := New(zap.New(core), Version("v0"))
	g.forward = func(*upstream.Upstream) exchange.Handler { return exchange.Handler(h) }
	if err := g.Apply(load(t, text)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.end(context.Background()) })
	return g, logs
}

// newExchange is an exchange as the server makes it; lines are field lines.
func newExchange(t testing.TB, method, target string, lines ...string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Started: time.Now(), Peer: netip.MustParseAddrPort("192.0.2.7:1234")}
	raw := method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "", ""), "\r\n")
	if err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	return x
}

// upstreamAnswers makes x look as if the upstream had answered.
func upstreamAnswers(x *exchange.Exchange) error {
	x.Answer.Status, x.Answer.Release = 200, func(bool) {}
	return nil
}

func TestHandleFindsTheRoute(t *testing.T) {
	for _, tt := range []struct {
		name, method, target string
		secure               bool
		status               int
		code, detail, allow  string
		api, rest, query     string
	}{
		{name: "resource", method: "GET", target: "/gateway/orders/1.0/orders/7?a=%2f..&b", status: 200, api: "orders/1.0", rest: "/orders/7", query: "a=%2f..&b"},
		{name: "canonical", method: "GET", target: "/gateway/orders/1.0/%6frders/%c3", status: 200, api: "orders/1.0", rest: "/orders/%C3"},
		{name: "latest", method: "POST", target: "/gateway/orders/orders", status: 200, api: "orders/1.0", rest: "/orders"},
		{name: "empty query", method: "GET", target: "/gateway/orders/orders?", status: 200, api: "orders/1.0", rest: "/orders"},
		{name: "no resource", method: "GET", target: "/gateway/orders/1.0/other", status: 404, code: "not_found", api: "orders/1.0"},
		{name: "no API", method: "GET", target: "/gateway/other", status: 404, code: "not_found"},
		{name: "no method", method: "DELETE", target: "/gateway/orders/1.0/orders", status: 405, code: "method_not_allowed", allow: "GET, HEAD, POST", api: "orders/1.0"},
		{name: "dot segment", method: "GET", target: "/gateway/orders/1.0/%2e%2e/x", status: 400, code: "bad_path", detail: "path holds a dot segment"},
		{name: "escaped slash", method: "GET", target: "/gateway/orders/1.0/orders/a%2fb", status: 400, code: "bad_path", detail: "path holds an escaped slash", api: "orders/1.0"},
		{name: "escaped slash nowhere", method: "GET", target: "/a%2fb", status: 400, code: "bad_path", detail: "path holds an escaped slash"},
		{name: "escaped slash kept", method: "GET", target: "/files/a%2fb", secure: true, status: 200, api: "files/2", rest: "/a%2Fb"},
		{name: "protocol", method: "GET", target: "/files/a", status: 403, code: "protocol_not_allowed", api: "files/2", rest: "/a"},
		{name: "asterisk", method: "OPTIONS", target: "*", status: 400, code: "bad_path", detail: "path does not begin with a slash"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, shop, upstreamAnswers)
			x := newExchange(t, tt.method, tt.target)
			x.Secure = tt.secure
			g.Handle(x)
			status := x.Answer.Status
			var told struct{ Code, Detail string }
			if status == 0 {
				status = x.HTTP.Response.StatusCode()
				if err := json.Unmarshal(x.HTTP.Response.Body(), &told); err != nil {
					t.Fatal(err)
				}
			}
			if status != tt.status || told.Code != tt.code || told.Detail != tt.detail || x.Problem != tt.code {
				t.Errorf("status %d, %+v, problem %q; want %d, %q, %q", status, told, x.Problem, tt.status, tt.code, tt.detail)
			}
			if got := string(x.HTTP.Response.Header.Peek("Allow")); got != tt.allow {
				t.Errorf("allow %q, want %q", got, tt.allow)
			}
			if x.API != tt.api || string(x.Rest) != tt.rest || tt.status == 200 && string(x.Query) != tt.query {
				t.Errorf("API %q, rest %q, query %q; want %q, %q, %q", x.API, x.Rest, x.Query, tt.api, tt.rest, tt.query)
			}
			if strings.Contains(tt.target, "?") && tt.status == 200 && x.Query == nil {
				t.Error("the question mark was lost")
			}
			x.Finish(exchange.End{Status: status})
		})
	}
}

func TestRequestID(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		kept  string // "": replaced
	}{
		{name: "none"},
		{name: "good", lines: []string{"x-request-id: Abc.1_2-3"}, kept: "Abc.1_2-3"},
		{name: "longest", lines: []string{"X-Request-Id: " + strings.Repeat("a", 64)}, kept: strings.Repeat("a", 64)},
		{name: "too long", lines: []string{"X-Request-Id: " + strings.Repeat("a", 65)}},
		{name: "empty", lines: []string{"X-Request-Id:"}},
		{name: "with a space", lines: []string{"X-Request-Id: a b"}},
		{name: "with a quote", lines: []string{`X-Request-Id: a"b`}},
		{name: "twice", lines: []string{"X-Request-Id: a", "X-Request-ID: a"}},
		{name: "twin", lines: []string{"X_Request_Id: a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, shop, upstreamAnswers)
			seen := map[string]bool{}
			for range 3 {
				x := newExchange(t, "GET", "/gateway/orders/orders", tt.lines...)
				g.Handle(x)
				id := string(x.ID)
				if tt.kept != "" && id != tt.kept || tt.kept == "" && (seen[id] || !acceptable(x.ID) || len(id) < 18) {
					t.Errorf("id %q, kept %q", id, tt.kept)
				}
				seen[id] = true
				if got := string(x.Head.AppendForward(nil)); strings.Count(got, "\r\n") != 1 || !strings.HasSuffix(got, ": "+id+"\r\n") {
					t.Errorf("forwarded %q", got)
				}
				if got := string(x.Answer.Head.Get("X-Request-Id")); got != id {
					t.Errorf("answered under %q", got)
				}
				x.Finish(exchange.End{Status: 200})
			}
		})
	}
}

func TestAnUpstreamsRequestIDIsReplaced(t *testing.T) {
	g, _ := newGateway(t, shop, func(x *exchange.Exchange) error {
		x.Answer.Head.Add("x-request-id", "theirs")
		return upstreamAnswers(x)
	})
	x := newExchange(t, "GET", "/gateway/orders/orders", "X-Request-Id: ours")
	g.Handle(x)
	if got := string(x.Answer.Head.Append(nil)); got != "X-Request-Id: ours\r\n" {
		t.Errorf("answered %q", got)
	}
}

func TestErrorsBecomeProblems(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
		reason string
		logged bool
	}{
		{"problem", problem.UpstreamTimeout, 504, "upstream_timeout", "", true},
		{"with a cause", problem.UpstreamFailed.Because(errors.New("dial: refused")), 502, "upstream_failed", "dial: refused", true},
		{"wrapped", errors.Join(problem.InsufficientScope), 403, "insufficient_scope", "", false},
		{"any other error", errors.New("odd"), 500, "internal", "odd", true},
		{"caller has left", problem.CallerGone, 499, "caller_gone", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, logs := newGateway(t, shop, func(*exchange.Exchange) error { return tt.err })
			x := newExchange(t, "GET", "/gateway/orders/orders")
			g.Handle(x)
			if x.HTTP.Response.StatusCode() != tt.status || x.Problem != tt.code || x.Reason != tt.reason {
				t.Errorf("status %d, code %q, reason %q", x.HTTP.Response.StatusCode(), x.Problem, x.Reason)
			}
			if bytes.Contains(x.HTTP.Response.Body(), []byte("odd")) || bytes.Contains(x.HTTP.Response.Body(), []byte("dial")) {
				t.Errorf("the caller was told the cause: %s", x.HTTP.Response.Body())
			}
			if logged := logs.FilterLevelExact(zap.WarnLevel).Len() == 1; logged != tt.logged {
				t.Errorf("logged %v: %v", logged, logs.All())
			}
		})
	}
}

func TestAnErrorAfterTheAnswerReleasesIt(t *testing.T) {
	var released []bool
	g, _ := newGateway(t, shop, func(x *exchange.Exchange) error {
		x.Answer.Status, x.Answer.Release = 200, func(clean bool) { released = append(released, clean) }
		return problem.UpstreamInvalid
	})
	x := newExchange(t, "GET", "/gateway/orders/orders")
	g.Handle(x)
	if diff := cmp.Diff([]bool{false}, released); diff != "" || x.Answer.Status != 0 || x.HTTP.Response.StatusCode() != 502 {
		t.Errorf("status %d, %d; released (-want +got):\n%s", x.Answer.Status, x.HTTP.Response.StatusCode(), diff)
	}
}

func TestPanicIsAProblem(t *testing.T) {
	for name, h := range map[string]handler{
		"before an answer": func(*exchange.Exchange) error { panic("boom") },
		"after an answer":  func(x *exchange.Exchange) error { _ = upstreamAnswers(x); panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			g, logs := newGateway(t, shop, h)
			x := newExchange(t, "GET", "/gateway/orders/orders", "X-Request-Id: p1")
			g.Handle(x)
			if x.Answer.Status != 0 || x.HTTP.Response.StatusCode() != 500 || x.Problem != "internal" {
				t.Errorf("status %d, %d, problem %q", x.Answer.Status, x.HTTP.Response.StatusCode(), x.Problem)
			}
			entries := logs.FilterLevelExact(zap.ErrorLevel).All()
			if len(entries) != 1 || entries[0].ContextMap()["id"] != "p1" || !strings.Contains(entries[0].ContextMap()["stack"].(string), "handle_test.go") {
				t.Errorf("logged %v", entries)
			}
			x.Finish(exchange.End{Status: 500})
			if n := g.inFlight(); n != 0 {
				t.Errorf("%d exchanges are held for ever", n)
			}
		})
	}
}

func TestPanicAtTheEndLetsGo(t *testing.T) {
	g, _ := newGateway(t, shop, func(x *exchange.Exchange) error {
		x.AtEnd(func(exchange.End) { panic("late") })
		return upstreamAnswers(x)
	})
	x := newExchange(t, "GET", "/gateway/orders/orders")
	g.Handle(x)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the server did not learn of the panic")
			}
		}()
		x.Finish(exchange.End{Status: 200})
	}()
	if n := g.inFlight(); n != 0 {
		t.Errorf("%d exchanges are held for ever", n)
	}
}

func TestWithoutConfiguration(t *testing.T) {
	g := New(zap.NewNop())
	if got := g.Ready(); g.Config() != nil || len(got) != 1 || got[0] != "no configuration yet" {
		t.Errorf("config %v, ready %q", g.Config(), got)
	}
	x := newExchange(t, "GET", "/")
	g.Handle(x)
	x.Finish(exchange.End{Status: 503})
	if x.HTTP.Response.StatusCode() != 503 {
		t.Errorf("status %d", x.HTTP.Response.StatusCode())
	}
}

func TestRefuseIsAccountedFor(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	var out bytes.Buffer
	g.access.out = &out
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Peer: netip.MustParseAddrPort("192.0.2.7:1")}
	g.Refuse(x, problem.HeaderTooLarge)
	if g.inFlight() != 1 {
		t.Error("the exchange is not held")
	}
	x.Finish(exchange.End{Status: 431})
	g.access.flush()
	var line struct{ ID, Client, Method, Path, Code string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", out.Bytes(), err)
	}
	if line.ID != string(x.ID) || line.ID == "" || line.Client != "192.0.2.7" || line.Method+line.Path != "" || line.Code != "header_too_large" || g.inFlight() != 0 {
		t.Errorf("line %+v, in flight %d", line, g.inFlight())
	}
	var scrape bytes.Buffer
	g.metrics.Write(&scrape)
	for _, want := range []string{`postern_problems_total{code="header_too_large"} 1`, `postern_requests_total{api="",code="4xx"} 1`, "postern_requests_in_flight 0"} {
		if !strings.Contains(scrape.String(), want+"\n") {
			t.Errorf("no %s in the scrape", want)
		}
	}
}

func TestStatusOnTheTrafficPort(t *testing.T) {
	outcome := admin.Reload{Success: true, Generation: 3}
	g, _ := newGateway(t, shop, upstreamAnswers)
	g.reload = func() admin.Reload { return outcome }
	for _, tt := range []struct {
		target string
		lines  []string
		status int
		want   string
	}{
		{"/rest/microgateway/status", nil, 401, "credentials"},
		{"/rest/microgateway/%73tatus", []string{"Authorization: Basic YWRtaW46c2VjcmV0"}, 200, `"generation":3`},
		{"/rest/microgateway/settings", []string{"Authorization: Basic YWRtaW46c2VjcmV0"}, 200, `"password":"***"`},
		{"/rest/microgateway/metrics", []string{"Authorization: Basic YWRtaW46c2VjcmV0"}, 404, "not_found"},
	} {
		x := newExchange(t, "GET", tt.target, tt.lines...)
		g.Handle(x)
		body := string(x.HTTP.Response.Body())
		if x.HTTP.Response.StatusCode() != tt.status || !strings.Contains(body, tt.want) || len(x.HTTP.Response.Header.Peek("X-Request-Id")) == 0 {
			t.Errorf("%s: status %d, %s", tt.target, x.HTTP.Response.StatusCode(), body)
		}
		x.Finish(exchange.End{Status: tt.status})
	}
}

func TestBuildFaultsHaveTheirPlaces(t *testing.T) {
	cfg := load(t, shop)
	broken := *cfg
	broken.TLS = &config.TLS{Certificates: []config.Certificate{{}}}
	broken.APIs = append([]config.API(nil), cfg.APIs...)
	broken.APIs[1].Policies.Authorize = &config.Authorize{Claims: []config.ClaimRule{{Name: "a", Pattern: "("}}}
	broken.APIs[1].Upstream.Targets = []config.Target{{URL: "https://h"}}
	broken.APIs[1].Upstream.TLS = &config.UpstreamTLS{CA: config.File{Path: "ca.pem", Data: []byte("no PEM")}}
	broken.APIs[0].Scopes = []config.Scope{{Name: "s", Policies: config.Policies{Authorize: broken.APIs[1].Policies.Authorize}}}
	g, _ := newGateway(t, shop, upstreamAnswers)
	for name, build := range map[string]func(*config.Config) error{"Check": g.Check, "Apply": g.Apply} {
		var faults config.Faults
		if err := build(&broken); !errors.As(err, &faults) {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]bool{}
		for _, f := range faults {
			got[config.PathString(f.Path)] = true
		}
		want := map[string]bool{
			"tls.certificates[0].certificate": true, "apis[0].scopes[0].policies.authorize.claims[0].pattern": true,
			"apis[1].policies.authorize.claims[0].pattern": true, "apis[1].upstream.tls.ca": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if g.Config().APIs[0].Scopes != nil {
			t.Errorf("%s: a refused configuration is live", name)
		}
	}
}
