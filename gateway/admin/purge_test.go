package admin_test

import (
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func TestPurge(t *testing.T) {
	const path = "/rest/microgateway/apis/orders/1.0/cache/purge"
	for _, tt := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"good", "POST", path, nil, 200},
		{"looked at", "GET", path, nil, 405},
		{"no name", "POST", "/rest/microgateway/apis//cache/purge", nil, 404},
		{"something else", "POST", "/rest/microgateway/apis/orders/1.0/cache", nil, 404},
		{"keeps nothing", "POST", "/rest/microgateway/apis/other/cache/purge", nil, 404},
		{"its own page", "POST", path, []string{"Origin", "http://localhost", "Sec-Fetch-Site", "same-origin"}, 200},
		{"another site", "POST", path, []string{"Origin", "http://evil.example"}, 403},
		{"cross-site", "POST", path, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"nobody", "POST", path, []string{"Authorization", ""}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			purged := ""
			g := &gateway{cfg: testConfig()}
			sources := g.sources()
			sources.Purge = func(api string) (any, error) {
				if purged = api; api != "orders/1.0" {
					return nil, admin.ErrNoCache
				}
				return map[string]int{"entries": 1}, nil
			}
			if tt.status == 401 {
				g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("x")
			}
			resp := do(admin.Handler(sources), tt.method, tt.path, tt.header...)
			if resp.StatusCode() != tt.status {
				t.Errorf("%d %s, want %d", resp.StatusCode(), resp.Body(), tt.status)
			}
			if done := tt.status == 200; done != (purged == "orders/1.0") {
				t.Errorf("purged %q", purged)
			}
			if allow := string(resp.Header.Peek("Allow")); tt.method == "GET" && allow != "POST" {
				t.Errorf("Allow %q", allow)
			}
		})
	}
}
