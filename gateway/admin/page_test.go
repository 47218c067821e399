package admin_test

import (
	"regexp"
	"strings"
	"testing"

	"postern/gateway/admin"
	"postern/provisioning/config"
)

func TestPageForPeople(t *testing.T) {
	g := &gateway{cfg: testConfig()}
	g.cfg.AdminAPI.AdminPath = `/ops"><script>alert(1)</script>`
	resp := do(admin.Handler(g.sources()), "GET", "/")
	body := string(resp.Body())
	for name, want := range map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"Cache-Control":                "no-store",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := string(resp.Header.Peek(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	policy := regexp.MustCompile(`'sha256-[A-Za-z0-9+/]{43}='`).ReplaceAllString(string(resp.Header.Peek("Content-Security-Policy")), "HASH")
	if want := "default-src 'none'; style-src HASH; script-src HASH; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"; policy != want {
		t.Errorf("policy %q, want %q", policy, want)
	}
	if !strings.Contains(body, `<meta name="admin-path" content="/ops&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">`) {
		t.Error("admin_path is not there, or not as text")
	}
	if n := strings.Count(body, "<script"); n != 1 {
		t.Errorf("%d scripts, want 1", n)
	}
	if strings.Contains(body, "{{") || strings.Contains(body, "innerHTML") || strings.Contains(body, " style=") {
		t.Error("a mark is left, or HTML or style goes in by attribute")
	}
	if len(body) > 60<<10 {
		t.Errorf("%d bytes", len(body))
	}
}

// Only the admin listener has the page.
func TestPageIsNotOnTrafficPorts(t *testing.T) {
	for _, path := range []string{"/", "/rest/microgateway", "/rest/microgateway/"} {
		if admin.Owns(&config.AdminAPI{AdminPath: "/rest/microgateway", OnTrafficPort: true}, []byte(path)) {
			t.Errorf("%s is taken from the APIs", path)
		}
	}
	if admin.Owns(&config.AdminAPI{AdminPath: "/", OnTrafficPort: true}, []byte("/")) {
		t.Error("/ is taken from the APIs")
	}
}
