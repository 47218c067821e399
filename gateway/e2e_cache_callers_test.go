package gateway

import (
	"encoding/base64"
	"path/filepath"
	"testing"
)

// TestCacheOfEachCaller: whoever is identified, and however, has answers of its own.
func TestCacheOfEachCaller(t *testing.T) {
	u := newOrigin(t, map[string]string{})
	dir := t.TempDir()
	key := newSigner(t, "k")
	put(t, filepath.Join(dir, "jwks.json"), setOf(key))
	d := deploy(t, dir, `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
trusted_proxies: [127.0.0.1]
auth_servers: [{name: corp, issuer: https://idp, local_introspection: {jwks: jwks.json}, audience: {any: [orders]}}]
users: [{name: alice, password: wonder}, {name: bob, password: land}]
applications:
- {name: shop, apis: [addressed], identify: {ip: [192.0.2.1]}}
- {name: desk, apis: [addressed], identify: {ip: [192.0.2.2]}}
policies:
- {name: all, policies: {cache: {mode: ttl, ttl: 10m}}}
apis:
- {name: users, upstream: {targets: [{url: "http://`+u.address+`"}]}, policies: {identify: {by: [basic], applications: none}, outbound: none}}
- {name: addressed, upstream: {targets: [{url: "http://`+u.address+`"}]}, policies: {identify: {by: [ip]}}}
- {name: tokens, upstream: {targets: [{url: "http://`+u.address+`"}]}, policies: {identify: {by: [jwt], applications: none}, outbound: none}}
- {name: shown, upstream: {targets: [{url: "http://`+u.address+`"}]}, policies: {identify: {by: [jwt], applications: none, claim_headers: {X-Tenant: tenant}}, outbound: none, cache: {mode: ttl, ttl: 10m, key: {caller: shared}}}}
`)
	basic := func(user string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user))
	}
	bearer := func(more map[string]any) string {
		return "Authorization: Bearer " + key.sign(t, claims("https://idp", more))
	}
	for _, tt := range []struct{ name, api, first, second string }{
		{"passwords", "users", basic("alice:wonder"), basic("bob:land")},
		{"addresses", "addressed", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"},
		{"subjects", "tokens", bearer(nil), bearer(map[string]any{"sub": "bob"})},
		{"what the service is told", "shown", bearer(map[string]any{"tenant": "a"}), bearer(map[string]any{"tenant": "b"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, ask := range []struct {
				who   string
				asked int
			}{{tt.first, 1}, {tt.first, 0}, {tt.second, 1}, {tt.second, 0}, {tt.first, 0}} {
				got := d.do(lines("GET /gateway/"+tt.api+"/x HTTP/1.1", "Host: h", ask.who))
				if asked := u.asked(); status(got) != 200 || asked != ask.asked {
					t.Fatalf("%.40q: %q; the service was asked %d times, want %d", ask.who, got, asked, ask.asked)
				}
			}
			if got := d.do(lines("GET /gateway/"+tt.api+"/x HTTP/1.1", "Host: h")); status(got) != 401 || u.asked() != 0 {
				t.Errorf("nobody: %q", got)
			}
		})
	}
}
