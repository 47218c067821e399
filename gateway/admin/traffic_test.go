package admin_test

import (
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func TestOwns(t *testing.T) {
	for _, tt := range []struct {
		path, adminPath string
		on, want        bool
	}{
		{"/rest/microgateway/status", "/rest/microgateway", true, true},
		{"/rest/microgateway/settings", "/rest/microgateway", true, true},
		{"/rest/microgateway/assets", "/rest/microgateway/", true, true},
		{"/status", "/", true, true},
		{"/rest/microgateway/status", "/rest/microgateway", false, false},
		{"/rest/microgateway/status/", "/rest/microgateway", true, false},
		{"/rest/microgateway/metrics", "/rest/microgateway", true, false},
		{"/rest/microgateway", "/rest/microgateway", true, false},
		{"/rest/microgatewaystatus", "/rest/microgateway", true, false},
		{"/livez", "/rest/microgateway", true, false},
		{"", "/rest/microgateway", true, false},
	} {
		a := &config.AdminAPI{AdminPath: tt.adminPath, OnTrafficPort: tt.on}
		if got := admin.Owns(a, []byte(tt.path)); got != tt.want {
			t.Errorf("Owns(%q below %q, on %v) = %v", tt.path, tt.adminPath, tt.on, got)
		}
	}
}

func TestTraffic(t *testing.T) {
	open := testConfig()
	open.AdminAPI.OnTrafficPort = true
	locked := testConfig()
	locked.AdminAPI.OnTrafficPort = true
	locked.AdminAPI.User, locked.AdminAPI.Password = "admin", config.NewSecret(marker)
	operator := []string{"Authorization", basic("admin", marker)}
	const (
		names  = `{"apis":[{"apiName":"orders","apiVersion":"1.0"},{"apiName":"open","apiVersion":"2"}],"authserver":[{"name":"corp"},{"name":"any"}]}` + "\n"
		status = `{"active":true,"version":"0.1.0","apis":["orders/1.0","open/2"]}` + "\n"
	)
	for _, tt := range []struct {
		name, method, path string
		cfg                *config.Config
		header             []string
		status             int
		body               string // "": anything
	}{
		{"stranger asks for status", "GET", "/status", open, nil, 200, status},
		{"stranger asks for assets", "GET", "/assets", open, nil, 200, names},
		{"stranger asks for settings", "GET", "/settings", open, nil, 404, ""},
		{"stranger posts", "POST", "/status", open, nil, 405, ""},
		{"stranger at a locked status", "GET", "/status", locked, nil, 401, ""},
		{"stranger at locked settings", "GET", "/settings", locked, nil, 401, ""},
		{"operator asks for settings", "GET", "/settings", locked, operator, 200, ""},
		{"operator deletes", "DELETE", "/assets", locked, operator, 405, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.cfg.AdminAPI.AdminPath + tt.path
			serve := admin.Traffic((&gateway{cfg: tt.cfg}).sources())
			h := func(ctx *fasthttp.RequestCtx) { serve(ctx, tt.cfg, []byte(path)) }
			resp := do(h, tt.method, path, tt.header...)
			if resp.StatusCode() != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode(), tt.status)
			}
			if tt.body != "" && string(resp.Body()) != tt.body {
				t.Errorf("body %s, want %s", resp.Body(), tt.body)
			}
		})
	}
}

func TestOperatorSeesTheWholeStatus(t *testing.T) {
	cfg := testConfig()
	cfg.AdminAPI.User, cfg.AdminAPI.Password = "admin", config.NewSecret(marker)
	s := (&gateway{cfg: cfg}).sources()
	path := cfg.AdminAPI.AdminPath + "/status"
	there := do(admin.Handler(s), "GET", path, "Authorization", basic("admin", marker))
	here := do(func(ctx *fasthttp.RequestCtx) { admin.Traffic(s)(ctx, cfg, []byte(path)) }, "GET", path, "Authorization", basic("admin", marker))
	if string(there.Body()) != string(here.Body()) {
		t.Errorf("traffic port: %s\nadmin listener: %s", here.Body(), there.Body())
	}
}

func BenchmarkOwns(b *testing.B) {
	a := &config.AdminAPI{AdminPath: "/rest/microgateway", OnTrafficPort: true}
	path := []byte("/rest/microgateway/orders/1.0/orders/12345678901234567890")
	b.ReportAllocs()
	for b.Loop() {
		admin.Owns(a, path)
	}
}
