//go:build !race

package gateway

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/gateway/exchange"
)

// crowded is a configuration of an API among a thousand applications.
func crowded(file string) string {
	text := fmt.Sprintf(`
auth_servers:
- name: corp
  issuer: https://idp.example.com
  audience: {any: [orders]}
  subject: {any: ["al*"], user: true}
  local_introspection: {public_key: %q}
users: [{name: alice, groups: [staff]}]
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  policies:
    identify:
      by: [jwt]
      token: {header: Authorization, cookie: session, query: access_token}
      claim_headers: {X-User: sub, X-Roles: roles}
      caller_headers: {X-App: application.name}
    authorize: {token_scopes: {claim: permissions, any: [read]}, groups: {any: [staff]}, claims: [{name: roles, contains: b}]}
    throttle: [{requests: 1000000, per: 1m, by: ip}, {requests: 1000000, per: 1m, by: application, except: [app-7]}]
applications:
`, file)
	for i := range 1000 {
		text += fmt.Sprintf("- {name: app-%d, apis: [orders], identify: {claims: [{azp: app-%d, tier: gold}]}}\n", i, i)
	}
	return text
}

// A verified token costs no memory, wherever it stands and whosever it is; but a
// query is written anew.
func TestIdentifyingAllocatesNothing(t *testing.T) {
	file, sign := newIssuer(t)
	bearer := sign(jwt.MapClaims{
		"iss": "https://idp.example.com", "aud": "orders", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(),
		"azp": "app-500", "tier": "gold", "roles": []string{"a", "b"}, "permissions": "list read",
	})
	token := strings.TrimPrefix(bearer, "Bearer ")
	g, _ := newGateway(t, crowded(file), upstreamAnswers)
	g.access.out = io.Discard
	for _, tt := range []struct {
		name, query, line string
		most              float64
	}{
		{"authorization", "?a=1", "Authorization: " + bearer, 0},
		{"cookie", "?a=1", "Cookie: a=1; session=" + token + "; b=2", 0},
		{"query", "?a=1&access_token=" + token, "Accept: x", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := "GET /gateway/orders/1/x" + tt.query + " HTTP/1.1\r\nHost: h\r\n" + tt.line + "\r\nX-User: root\r\n\r\n"
			serve := replay(g, raw, netip.MustParseAddrPort("192.0.2.7:1"), 200, func(x *exchange.Exchange) {
				if x.Answer.Status != 200 || x.Caller.Application.Name != "app-500" {
					t.Fatalf("%q (%s), %+v", x.Problem, x.Reason, x.Caller)
				}
			})
			if allocs := testing.AllocsPerRun(500, serve); allocs > tt.most {
				t.Errorf("serving allocates %v times", allocs)
			}
		})
	}
}
