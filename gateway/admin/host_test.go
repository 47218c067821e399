package admin_test

import (
	"context"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

// Without credentials, whoever a browser's page can be made to reach is only
// kept out by the name it has to give.
func TestNameOfTheHost(t *testing.T) {
	const status = "/rest/microgateway/status"
	for _, tt := range []struct {
		host, method, path string
		user               bool
		want               int
	}{
		{"127.0.0.1:9485", "GET", status, false, 200},
		{"127.0.0.1", "GET", "/", false, 200},
		{"[::1]:9485", "GET", "/metrics", false, 200},
		{"[::1]", "GET", status, false, 200},
		{"10.1.2.3:9485", "GET", status, false, 200},
		{"localhost:9485", "GET", status, false, 200},
		{"LocalHost", "GET", status, false, 200},
		{"evil.example:9485", "GET", status, false, 421},
		{"evil.example", "GET", "/", false, 421},
		{"evil.example", "GET", "/metrics", false, 421},
		{"evil.example", "GET", "/debug/pprof/", false, 421},
		{"evil.example", "POST", "/rest/microgateway/auth_servers/corp/refresh", false, 421},
		{"localhost.evil.example", "GET", status, false, 421},
		{"127.0.0.1.evil.example:9485", "GET", status, false, 421},
		{"127.0.0.1@evil.example", "GET", status, false, 421},
		{"evil.example", "GET", "/nothing", false, 421},
		{"postern.monitoring.svc", "GET", "/livez", false, 200},
		{"postern.monitoring.svc", "GET", "/readyz", false, 200},
		{"postern.monitoring.svc:9485", "GET", "/metrics", true, 200},
	} {
		t.Run(tt.host+tt.path, func(t *testing.T) {
			g := &gateway{cfg: testConfig(), refresh: func(context.Context, string) (any, error) {
				t.Error("keys were fetched")
				return nil, nil
			}}
			g.cfg.AdminAPI.Debug = true
			header := []string{"Host", tt.host}
			if tt.user {
				g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("x")
				header = append(header, "Authorization", basic("admin", "x"))
			}
			if got := do(admin.Handler(g.sources()), tt.method, tt.path, header...).StatusCode(); got != tt.want {
				t.Errorf("status %d, want %d", got, tt.want)
			}
		})
	}
}
