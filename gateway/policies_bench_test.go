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

// What policies cost a request whose token is known, one more each time.
func BenchmarkPolicies(b *testing.B) {
	file, sign := newIssuer(b)
	token := sign(jwt.MapClaims{
		"iss": "https://idp.example.com", "aud": "orders", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(),
		"azp": "shop", "scope": "orders:read", "roles": []string{"shopper"},
	})
	raw := "GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nAuthorization: " + token + "\r\nOrigin: https://shop.example.com\r\n\r\n"
	var stated []string
	for _, more := range []struct{ name, policy string }{
		{"identify", "identify: {by: [jwt]}"},
		{"authorize", "authorize: {token_scopes: {any: [\"orders:read\"]}, claims: [{name: roles, contains: shopper}]}"},
		{"throttle", "throttle: [{requests: 1000000000, per: 1m, by: application}]"},
		{"cors", "cors: {origins: [\"https://shop.example.com\"]}"},
	} {
		stated = append(stated, more.policy)
		b.Run(more.name, func(b *testing.B) {
			g, _ := newGateway(b, fmt.Sprintf(`
auth_servers:
- {name: corp, issuer: https://idp.example.com, audience: {any: [orders]}, local_introspection: {public_key: %q}}
applications: [{name: shop, apis: [orders], identify: {claims: [{azp: shop}]}}]
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  policies:
    %s
`, file, strings.Join(stated, "\n    ")), upstreamAnswers)
			g.access.out = io.Discard
			serve := replay(g, raw, netip.MustParseAddrPort("192.0.2.7:1"), 200, func(x *exchange.Exchange) {
				if x.Answer.Status != 200 {
					b.Fatalf("%s (%s)", x.Problem, x.Reason)
				}
			})
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
