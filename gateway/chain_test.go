package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/gateway/exchange"
)

// guarded is a configuration whose only auth server has the public key in a file.
const guarded = `
auth_servers:
- name: corp
  issuer: https://idp.example.com
  audience: {any: [orders]}
  local_introspection: {public_key: %q}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  resources:
  - {path: /orders, methods: [GET]}
  - {path: /orders, methods: [POST], scopes: [writers]}
  - {path: /orders, methods: [DELETE], scopes: [writers, admins]}
  scopes:
  - {name: writers, policies: {authorize: {token_scopes: {all: [write]}}}}
  - {name: admins, policies: {authorize: {claims: [{name: roles, contains: admin}]}}}
  policies:
    protocols: [https]
    identify: {by: [jwt], applications: none, claim_headers: {X-User: sub}}
    authorize: {token_scopes: {any: [read]}}
- name: open
  version: "1"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  policies: {identify: none}
`

// newIssuer writes an issuer's public key to a file and returns how it signs.
func newIssuer(t testing.TB) (file string, sign func(claims jwt.MapClaims) string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "issuer.pub")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, func(claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
}

func TestTheChainOfAnAPI(t *testing.T) {
	file, sign := newIssuer(t)
	_, forge := newIssuer(t)
	claims := func(scope string, roles ...string) jwt.MapClaims {
		return jwt.MapClaims{
			"iss": "https://idp.example.com", "aud": "orders", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(),
			"scope": scope, "roles": roles,
		}
	}
	other := claims("read")
	other["aud"] = "shop"
	g, _ := newGateway(t, fmt.Sprintf(guarded, file), upstreamAnswers)
	for _, tt := range []struct {
		name, method, path string
		authorization      string
		http               bool
		want               string // the problem, or the challenge's error and scope
		forwarded          string
	}{
		{name: "read", method: "GET", path: "/orders/1/orders", authorization: sign(claims("read")), forwarded: "X-User: alice\r\n"},
		{name: "write", method: "POST", path: "/orders/1/orders", authorization: sign(claims("read write")), forwarded: "X-User: alice\r\n"},
		{name: "write lacks a scope of the resource", method: "POST", path: "/orders/1/orders", authorization: sign(claims("read")), want: "insufficient_scope"},
		{name: "write lacks the API's scope", method: "POST", path: "/orders/1/orders", authorization: sign(claims("write")), want: "insufficient_scope"},
		{name: "delete", method: "DELETE", path: "/orders/1/orders", authorization: sign(claims("read write", "admin")), forwarded: "X-User: alice\r\n"},
		{name: "delete lacks a claim", method: "DELETE", path: "/orders/1/orders", authorization: sign(claims("read write", "user")), want: "insufficient_scope"},
		{name: "no token", method: "GET", path: "/orders/1/orders", want: "token_missing"},
		{name: "another key", method: "GET", path: "/orders/1/orders", authorization: forge(claims("read")), want: "invalid_token"},
		{name: "another audience", method: "GET", path: "/orders/1/orders", authorization: sign(other), want: "invalid_token"},
		{name: "protocol before token", method: "GET", path: "/orders/1/orders", http: true, want: "protocol_not_allowed"},
		{name: "route before token", method: "GET", path: "/orders/1/other", want: "not_found"},
		{name: "method before token", method: "PUT", path: "/orders/1/orders", want: "method_not_allowed"},
		{name: "open, token left alone", method: "GET", path: "/open/1/x", authorization: "Bearer x", forwarded: "Authorization: Bearer x\r\nX-User: evil\r\nX_User: evil\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{"X-Request-Id: r", "X-User: evil", "X_User: evil"}
			if tt.authorization != "" {
				lines = append([]string{"Authorization: " + tt.authorization}, lines...)
			}
			x := newExchange(t, tt.method, "/gateway"+tt.path, lines...)
			x.Secure = !tt.http
			g.Handle(x)
			if x.Problem != tt.want {
				t.Fatalf("problem %q (%s), want %q", x.Problem, x.Reason, tt.want)
			}
			x.Head.Del("X-Request-Id")
			if got := string(x.Head.AppendForward(nil)); tt.want == "" && got != tt.forwarded {
				t.Errorf("forwarded %q, want %q", got, tt.forwarded)
			}
			x.Finish(exchange.End{Status: 200})
		})
	}
}
