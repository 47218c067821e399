package admin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func TestRefresh(t *testing.T) {
	const path = "/rest/microgateway/auth_servers/corp/refresh"
	good := func(_ context.Context, name string) (any, error) { return map[string]string{"name": name}, nil }
	failing := func(err error) func(context.Context, string) (any, error) {
		return func(context.Context, string) (any, error) { return nil, fmt.Errorf("refresh: %w", err) }
	}
	for _, tt := range []struct {
		name, method, path string
		header             []string
		refresh            func(context.Context, string) (any, error)
		status             int
		body               string // "": anything
	}{
		{"good", "POST", path, nil, good, 200, `{"name":"corp"}` + "\n"},
		{"a name with a slash", "POST", "/rest/microgateway/auth_servers/a/b/refresh", nil, good, 200, `{"name":"a/b"}` + "\n"},
		{"looked at", "GET", path, nil, good, 405, ""},
		{"no name", "POST", "/rest/microgateway/auth_servers//refresh", nil, good, 404, ""},
		{"something else", "POST", "/rest/microgateway/auth_servers/corp/remove", nil, good, 404, ""},
		{"unknown", "POST", path, nil, failing(admin.ErrNoAuthServer), 404, `{"error":"refresh: there is no such auth server"}` + "\n"},
		{"too soon", "POST", path, nil, failing(admin.ErrTooSoon), 429, ""},
		{"failed", "POST", path, nil, failing(errors.New(`get "x": refused`)), 502, `{"error":"refresh: get \"x\": refused"}` + "\n"},
		{"late", "POST", path, nil, failing(context.DeadlineExceeded), 504, ""},
		{"a late issuer", "POST", path, nil, failing(os.ErrDeadlineExceeded), 504, ""},
		{"its own page", "POST", path, []string{"Origin", "http://localhost", "Sec-Fetch-Site", "same-origin"}, good, 200, ""},
		{"another site", "POST", path, []string{"Origin", "http://evil.example"}, good, 403, ""},
		{"another port", "POST", path, []string{"Origin", "http://localhost:3000"}, good, 403, ""},
		{"a page without origin", "POST", path, []string{"Origin", "null"}, good, 403, ""},
		{"cross-site", "POST", path, []string{"Sec-Fetch-Site", "cross-site"}, good, 403, ""},
		{"same-site", "POST", path, []string{"Sec-Fetch-Site", "same-site"}, good, 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := false
			g := &gateway{cfg: testConfig(), refresh: func(ctx context.Context, name string) (any, error) {
				asked = true
				return tt.refresh(ctx, name)
			}}
			resp := do(admin.Handler(g.sources()), tt.method, tt.path, tt.header...)
			if resp.StatusCode() != tt.status || tt.body != "" && string(resp.Body()) != tt.body {
				t.Errorf("%d %s, want %d %s", resp.StatusCode(), resp.Body(), tt.status, tt.body)
			}
			if refused := tt.status == 403 || tt.status == 405 || tt.path != path && tt.status == 404; asked && refused {
				t.Error("keys were fetched")
			}
			if retry := string(resp.Header.Peek("Retry-After")); (retry == "5") != (tt.status == 429) {
				t.Errorf("Retry-After %q", retry)
			}
			if allow := string(resp.Header.Peek("Allow")); tt.method == "GET" && allow != "POST" {
				t.Errorf("Allow %q", allow)
			}
			if got := string(resp.Header.Peek("Cache-Control")); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

func TestRefreshNeedsCredentials(t *testing.T) {
	g := &gateway{cfg: testConfig(), refresh: func(context.Context, string) (any, error) {
		t.Error("keys were fetched")
		return nil, nil
	}}
	g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("x")
	if status := do(admin.Handler(g.sources()), "POST", "/rest/microgateway/auth_servers/corp/refresh").StatusCode(); status != 401 {
		t.Errorf("status %d, want 401", status)
	}
}
