package admin_test

import (
	"bytes"
	"io"
	"runtime/pprof"
	"strings"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func TestDebug(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, credentials string
		off, protected                  bool
		status                          int
		kind, holds                     string
	}{
		{name: "off", path: "/debug/pprof/heap", off: true, status: 404},
		{name: "index off", path: "/debug/pprof/", off: true, status: 404},
		{name: "index", path: "/debug/pprof/", status: 200, kind: "text/plain; charset=utf-8", holds: "goroutine?debug=1\t"},
		{name: "goroutines as text", path: "/debug/pprof/goroutine?debug=1", status: 200, kind: "text/plain; charset=utf-8", holds: "goroutine profile: total "},
		{name: "heap", path: "/debug/pprof/heap", status: 200, kind: "application/octet-stream", holds: "\x1f\x8b"},
		{name: "processor", path: "/debug/pprof/profile?seconds=1", status: 200, kind: "application/octet-stream", holds: "\x1f\x8b"},
		{name: "trace", path: "/debug/pprof/trace?seconds=1", status: 200, kind: "application/octet-stream", holds: "go 1."},
		{name: "profile for too long", path: "/debug/pprof/profile?seconds=61", status: 400},
		{name: "trace for too long", path: "/debug/pprof/trace?seconds=11", status: 400},
		{name: "no profile", path: "/debug/pprof/cmdline", status: 404},
		{name: "beside it", path: "/debug/pprof", status: 404},
		{name: "posted", method: "POST", path: "/debug/pprof/heap", status: 405},
		{name: "stranger", path: "/debug/pprof/heap", protected: true, status: 401},
		{name: "operator", path: "/debug/pprof/heap", protected: true, credentials: basic("admin", "x"), status: 200, holds: "\x1f\x8b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &gateway{cfg: testConfig()}
			g.cfg.AdminAPI.Debug = !tt.off
			if tt.protected {
				g.cfg.AdminAPI.User, g.cfg.AdminAPI.Password = "admin", config.NewSecret("x")
			}
			method := "GET"
			if tt.method != "" {
				method = tt.method
			}
			answer := play(t, g.sources(), method+" "+tt.path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "+tt.credentials+"\r\n\r\n")
			if got := strings.Fields(answer)[1]; got != map[int]string{200: "200", 400: "400", 401: "401", 404: "404", 405: "405"}[tt.status] {
				t.Fatalf("answer %.200q, want status %d", answer, tt.status)
			}
			head, body, _ := bytes.Cut([]byte(answer), []byte("\r\n\r\n"))
			if !strings.Contains(string(head), "\r\nContent-Type: "+tt.kind) || !bytes.Contains(body, []byte(tt.holds)) {
				t.Errorf("answer %.300q, want %s with %q", answer, tt.kind, tt.holds)
			}
		})
	}
}

func TestOneProfileAtATime(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.Debug = true
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Skip("the test itself is profiled")
	}
	defer pprof.StopCPUProfile()
	if status := do(admin.Handler(g.sources()), "GET", "/debug/pprof/profile?seconds=1").StatusCode(); status != 409 {
		t.Errorf("status %d while another profile is recorded, want 409", status)
	}
}
