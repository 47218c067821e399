package admin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/admin"
	"postern/gateway/metrics"
	"postern/provisioning/config"
)

const marker = "s3cr3t-marker"

// gateway is a running gateway as the window sees it; tests change it.
type gateway struct {
	cfg     *config.Config
	reasons []string
	refresh func(ctx context.Context, name string) (any, error)
}

func (g *gateway) sources() admin.Sources {
	return admin.Sources{
		Config: func() *config.Config { return g.cfg },
		Ready:  func() []string { return g.reasons },
		Running: func() admin.Running {
			return admin.Running{
				Started: time.Unix(1_700_000_000, 0).UTC(),
				Reload:  admin.Reload{Success: true, Hash: "abc", Generation: 3, Applied: 3},
			}
		},
		Version: "0.1.0",
		Traffic: func() metrics.Traffic {
			return metrics.Traffic{
				APIs: []metrics.APITraffic{}, Problems: map[string]uint64{"invalid_token": 3},
				Tokens: map[string]uint64{"accepted": 10}, Cache: metrics.TokenCache{Hits: 7},
			}
		},
		Upstreams: func() map[string]metrics.Upstream {
			return map[string]metrics.Upstream{"orders/1.0": {Targets: []metrics.Target{{
				URL: "http://orders:8080", Weight: 2, State: metrics.Ejected, Until: time.Unix(1_800_000_000, 0).UTC(), Why: "503",
				Open: 3, Idle: 1, Pending: 2, Attempts: 7, Failures: 5, Ejections: 1,
			}}}}
		},
		Refresh: func(ctx context.Context, name string) (any, error) { return g.refresh(ctx, name) },
		Metrics: func(w io.Writer) { _, _ = io.WriteString(w, "postern_requests_in_flight 0\n") },
		Log:     zap.NewNop(),
	}
}

func testConfig() *config.Config {
	base := "/gateway"
	return &config.Config{
		Ports:          config.Ports{HTTP: ":4485"},
		TLS:            &config.TLS{Certificates: []config.Certificate{{Key: config.File{Path: "/etc/key.pem", Data: []byte(marker)}}}},
		Limits:         config.Limits{HeaderSize: 16384, BodyRate: config.NoSize, IdleTimeout: config.None},
		TrustedProxies: []config.Prefix{{Prefix: netip.MustParsePrefix("10.0.0.0/8")}},
		Shutdown:       config.Shutdown{Grace: config.Duration(30 * time.Second)},
		APIEndpoint:    config.APIEndpoint{BasePath: &base},
		AdminAPI:       config.AdminAPI{Listen: "127.0.0.1:9485", AdminPath: "/rest/microgateway"},
		Logging:        config.Logging{Access: config.AccessErrors, Mask: []string{"code"}},
		AuthServers: []config.AuthServer{
			{
				Name:     "corp",
				Issuer:   config.Issuer{Value: "https://idp.example.com"},
				Local:    &config.LocalIntrospection{JWKSURI: "https://user:" + marker + "@idp.example.com/certs?key=" + marker, PublicKey: config.File{Path: "/etc/pub.pem", Data: []byte(marker)}},
				Audience: &config.Audience{Unchecked: true},
			},
			{Name: "any", Issuer: config.Issuer{Unchecked: true}, Audience: &config.Audience{Any: []string{"orders"}}},
		},
		Users:      []config.User{{Name: "alice", Groups: []string{"staff"}}},
		Aliases:    []config.Alias{{Name: "be", Type: "simple", Value: marker}},
		TrustStore: &config.Authorities{Location: config.File{Path: "/etc/trust.p12", Data: []byte(marker)}, Password: config.NewSecret(marker)},
		Applications: []config.Application{{
			Name: "shop", ID: "id-shop", APIs: []string{"orders"},
			Identify: config.Identifiers{
				Claims:   []config.ClaimSet{{{Claim: "azp", Value: "shop"}, {Claim: "roles", Value: "a"}, {Claim: "roles", Value: "b"}, {Claim: "roles", Value: "c"}}},
				Hostname: []string{"*.example.com"},
				Payload:  []config.PayloadRule{{XPath: "/o:a", Namespaces: []config.Namespace{{Prefix: "o", URI: "urn:x"}}, Equals: "shop"}},
			},
			JWT: []config.Strategy{{Issuer: "partner", SharedKey: config.NewSecret(marker)}},
		}},
		APIs: []config.API{
			{
				Name: "orders", Version: "1.0", Hosts: []string{"api.example.com"},
				Upstream:  config.Upstream{Targets: []config.Target{{URL: "http://orders:8080"}}},
				Resources: []config.Resource{{Path: "/orders", Methods: []string{"GET"}}},
				Scopes:    []config.Scope{{Name: "admin"}},
				Policies: config.Policies{
					Protocols: []string{"https"},
					Identify:  &config.Identify{By: []string{"jwt"}, ClaimHeaders: []config.ClaimHeader{{Header: "X-User", Claim: "sub"}}},
					Authorize: &config.Authorize{},
					Transform: &config.Transform{Request: []config.RequestStep{{
						SetHeaders: []config.Setting{{Name: "X-B", Text: "${apiName}"}, {Name: "X-A", Secret: config.NewSecret(marker)}},
					}}},
				},
			},
			{Name: "open", Version: "2", BasePath: "/o", Policies: config.Policies{Identify: &config.Identify{None: true}}},
		},
	}
}

// do plays one request; extra are pairs of header names and values.
func do(h fasthttp.RequestHandler, method, path string, extra ...string) *fasthttp.Response {
	var req fasthttp.Request
	req.Header.SetMethod(method)
	req.SetRequestURI(path)
	req.SetHost("localhost")
	for i := 0; i < len(extra); i += 2 {
		req.Header.Add(extra[i], extra[i+1])
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&req, &net.TCPAddr{}, nil)
	h(&ctx)
	return &ctx.Response
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		reasons      []string
		status       int
		body         string // "": anything
	}{
		{method: "GET", path: "/livez", status: 200, body: "ok"},
		{method: "GET", path: "/livez", reasons: []string{"draining"}, status: 200, body: "ok"},
		{method: "HEAD", path: "/livez", status: 200},
		{method: "POST", path: "/livez", status: 405, body: `{"error":"the method is not allowed here"}` + "\n"},
		{method: "GET", path: "/readyz", status: 200, body: `{"ready":true}` + "\n"},
		{
			method: "GET", path: "/readyz", reasons: []string{`no keys of "corp" yet`, "draining"}, status: 503,
			body: `{"ready":false,"reasons":["no keys of \"corp\" yet","draining"]}` + "\n",
		},
		{method: "DELETE", path: "/readyz", status: 405},
		{method: "GET", path: "/metrics", status: 200, body: "postern_requests_in_flight 0\n"},
		{method: "POST", path: "/metrics", status: 405},
		{method: "GET", path: "/rest/microgateway/status", status: 200},
		{method: "GET", path: "/rest/microgateway/settings", status: 200},
		{method: "GET", path: "/rest/microgateway/assets", status: 200},
		{method: "PUT", path: "/rest/microgateway/assets", status: 405},
		{method: "GET", path: "/rest/microgateway", status: 404, body: `{"error":"there is nothing here"}` + "\n"},
		{method: "GET", path: "/rest/microgatewayx/status", status: 404},
		{method: "GET", path: "/rest/microgateway/statusx", status: 404},
		{method: "GET", path: "/status", status: 404},
		{method: "GET", path: "/", status: 200},
		{method: "HEAD", path: "/", status: 200},
		{method: "POST", path: "/", status: 405},
		{method: "POST", path: "/nowhere", status: 404},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			g := &gateway{cfg: testConfig(), reasons: tt.reasons}
			resp := do(admin.Handler(g.sources()), tt.method, tt.path)
			if resp.StatusCode() != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode(), tt.status)
			}
			if tt.body != "" && string(resp.Body()) != tt.body {
				t.Errorf("body %q, want %q", resp.Body(), tt.body)
			}
			if allow := string(resp.Header.Peek("Allow")); (tt.status == 405) != (allow == "GET, HEAD") {
				t.Errorf("Allow is %q at status %d", allow, tt.status)
			}
			if got := string(resp.Header.Peek("Cache-Control")); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
			if got := string(resp.Header.Peek("X-Content-Type-Options")); got != "nosniff" {
				t.Errorf("X-Content-Type-Options %q", got)
			}
		})
	}
}

func TestBeforeTheFirstConfiguration(t *testing.T) {
	h := admin.Handler((&gateway{reasons: []string{"no configuration yet"}}).sources())
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/metrics": 503, "/rest/microgateway/status": 503} {
		if got := do(h, "GET", path).StatusCode(); got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
	}
}

func TestBasic(t *testing.T) {
	const all = "/ /metrics /rest/microgateway/status /rest/microgateway/settings /rest/microgateway/assets /nowhere"
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("pass:word")
	h := admin.Handler(g.sources())
	for _, tt := range []struct {
		name   string
		header []string
		passes bool
	}{
		{"right", []string{"Authorization", basic("admin", "pass:word")}, true},
		{"scheme in another case", []string{"Authorization", strings.Replace(basic("admin", "pass:word"), "Basic", "bASIC", 1)}, true},
		{"nothing", nil, false},
		{"empty", []string{"Authorization", ""}, false},
		{"wrong password", []string{"Authorization", basic("admin", "pass")}, false},
		{"wrong user", []string{"Authorization", basic("admin2", "pass:word")}, false},
		{"no password", []string{"Authorization", basic("admin", "")}, false},
		{"no colon", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("admin"))}, false},
		{"not base64", []string{"Authorization", "Basic ***"}, false},
		{"another scheme", []string{"Authorization", strings.Replace(basic("admin", "pass:word"), "Basic", "Bearer", 1)}, false},
		{"twice", []string{"Authorization", basic("admin", "pass:word"), "Authorization", basic("admin", "pass:word")}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for path := range strings.FieldsSeq(all) {
				resp := do(h, "GET", path, tt.header...)
				if passed := resp.StatusCode() != 401; passed != tt.passes {
					t.Errorf("%s: status %d", path, resp.StatusCode())
				}
				challenged := string(resp.Header.Peek("WWW-Authenticate")) == `Basic realm="postern", charset="UTF-8"`
				if challenged == tt.passes {
					t.Errorf("%s: challenge %q", path, resp.Header.Peek("WWW-Authenticate"))
				}
			}
			for _, path := range []string{"/livez", "/readyz"} {
				if status := do(h, "GET", path, tt.header...).StatusCode(); status != 200 {
					t.Errorf("%s: status %d", path, status)
				}
			}
		})
	}
}

func TestHalfCredentialsAdmitNobody(t *testing.T) {
	for name, a := range map[string]config.AdminAPI{
		"user only":     {User: "admin"},
		"password only": {Password: config.NewSecret("x")},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gateway{cfg: &config.Config{AdminAPI: a}}
			if status := do(admin.Handler(g.sources()), "GET", "/metrics", "Authorization", basic(a.User, "")).StatusCode(); status != 401 {
				t.Errorf("status %d, want 401", status)
			}
		})
	}
}

func TestReloadActs(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	h := admin.Handler(g.sources())
	next := testConfig()
	next.AdminAPI.AdminPath = "/ops/"
	next.AdminAPI.User, next.AdminAPI.Password = "admin", config.NewSecret("x")
	g.cfg = next
	if status := do(h, "GET", "/ops/status").StatusCode(); status != 401 {
		t.Errorf("without credentials: status %d, want 401", status)
	}
	if status := do(h, "GET", "/ops/status", "Authorization", basic("admin", "x")).StatusCode(); status != 200 {
		t.Errorf("at the new path: status %d, want 200", status)
	}
	if status := do(h, "GET", "/rest/microgateway/status", "Authorization", basic("admin", "x")).StatusCode(); status != 404 {
		t.Errorf("at the old path: status %d, want 404", status)
	}
}

func TestStatus(t *testing.T) {
	g := &gateway{cfg: testConfig(), reasons: []string{"draining"}}
	resp := do(admin.Handler(g.sources()), "GET", "/rest/microgateway/status")
	const want = `{"active":false,"reasons":["draining"],"version":"0.1.0","started":"2023-11-14T22:13:20Z",` +
		`"in_flight":0,"connections":0,"reload":{"success":true,"hash":"abc","generation":3,"applied":3,"refused":0},` +
		`"traffic":{"apis":[],"problems":{"invalid_token":3},"tokens":{"accepted":10},"cache":{"hits":7,"misses":0,"entries":0,"bytes":0,"evictions":0}},"apis":[` +
		`{"name":"orders","version":"1.0","base_path":"/gateway/orders/1.0","hosts":["api.example.com"],"upstream":["http://orders:8080"],"targets":[{"url":"http://orders:8080","weight":2,"state":"ejected","until":"2027-01-15T08:00:00Z","why":"503","connections":3,"idle":1,"pending":2,"attempts":7,"failures":5,"ejections":1}],"policies":["protocols","identify","authorize","transform"]},` +
		`{"name":"open","version":"2","base_path":"/o","upstream":[],"policies":[]}]}` + "\n"
	if diff := cmp.Diff(want, string(resp.Body())); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if got := string(resp.Header.ContentType()); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestAssets(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	const want = `{"apis":[{"apiName":"orders","apiVersion":"1.0","resources":[{"path":"/orders","methods":["GET"]}],"scopes":["admin"]},` +
		`{"apiName":"open","apiVersion":"2"}],"applications":[{"name":"shop","id":"id-shop","isSuspended":false,"apis":["orders"]}],"authserver":[{"name":"corp","issuer":"https://idp.example.com"},{"name":"any"}]}` + "\n"
	if diff := cmp.Diff(want, string(do(admin.Handler(g.sources()), "GET", "/rest/microgateway/assets").Body())); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret(marker)
	resp := do(admin.Handler(g.sources()), "GET", "/rest/microgateway/settings", "Authorization", basic("admin", marker))
	var got map[string]any
	if err := json.Unmarshal(resp.Body(), &got); err != nil {
		t.Fatal(err)
	}
	servers, _ := got["auth_servers"].([]any)
	apis, _ := got["apis"].([]any)
	if len(servers) != 2 || len(apis) != 2 {
		t.Fatalf("settings: %s", resp.Body())
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"ports", got["ports"], map[string]any{"http": ":4485"}},
		{"trusted_proxies", got["trusted_proxies"], []any{"10.0.0.0/8"}},
		{"aliases", got["aliases"], map[string]any{"be": map[string]any{"type": "simple"}}},
		{"trust_store", got["trust_store"], map[string]any{"location": "/etc/trust.p12", "password": "***"}},
		{"tls", got["tls"], map[string]any{"certificates": []any{map[string]any{"key": "/etc/key.pem"}}, "self_signed": false}},
		{"admin_api.password", got["admin_api"].(map[string]any)["password"], "***"},
		{"api_endpoint", got["api_endpoint"], map[string]any{"base_path": "/gateway"}},
		{"limits.body_rate", got["limits"].(map[string]any)["body_rate"], "none"},
		{"limits.idle_timeout", got["limits"].(map[string]any)["idle_timeout"], "none"},
		{"limits.header_size", got["limits"].(map[string]any)["header_size"], 16384.0},
		{"shutdown.grace", got["shutdown"].(map[string]any)["grace"], "30s"},
		{"logging.access", got["logging"].(map[string]any)["access"], "errors"},
		{"auth_servers[0].audience", servers[0].(map[string]any)["audience"], "unchecked"},
		{"auth_servers[1].audience", servers[1].(map[string]any)["audience"], map[string]any{"any": []any{"orders"}, "required": true}},
		{"auth_servers[1].issuer", servers[1].(map[string]any)["issuer"], "unchecked"},
		{"apis[0].policies.identify", apis[0].(map[string]any)["policies"].(map[string]any)["identify"], map[string]any{"anonymous": false, "by": []any{"jwt"}, "claim_headers": map[string]any{"X-User": "sub"}}},
		{"users", got["users"], []any{map[string]any{"name": "alice", "groups": []any{"staff"}}}},
		{"applications", got["applications"], []any{map[string]any{
			"name": "shop", "id": "id-shop", "apis": []any{"orders"}, "suspended": false,
			"identify": map[string]any{
				"claims":   []any{map[string]any{"azp": "shop", "roles": []any{"a", "b", "c"}}},
				"hostname": []any{"*.example.com"},
				"payload":  []any{map[string]any{"xpath": "/o:a", "namespaces": map[string]any{"o": "urn:x"}, "equals": "shop"}},
			},
			"jwt": []any{map[string]any{"issuer": "partner", "shared_key": "***"}},
		}}},
		{"apis[0].policies.transform", apis[0].(map[string]any)["policies"].(map[string]any)["transform"].(map[string]any)["request"], []any{
			map[string]any{"set_headers": []any{map[string]any{"X-B": "${apiName}"}, map[string]any{"X-A": "***"}}},
		}},
		{"apis[1].policies", apis[1].(map[string]any)["policies"], map[string]any{"identify": "none"}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestNothingSecretIsShown(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret(marker)
	h := admin.Handler(g.sources())
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/rest/microgateway/status", "/rest/microgateway/settings", "/rest/microgateway/assets", "/nowhere"} {
		for _, password := range []string{marker, marker + "x"} {
			answer := do(h, "GET", path, "Authorization", basic("admin", password)).String()
			encoded := base64.StdEncoding.EncodeToString([]byte(marker))
			if strings.Contains(answer, marker) || strings.Contains(answer, encoded) {
				t.Errorf("%s shows a secret:\n%s", path, answer)
			}
		}
	}
}
