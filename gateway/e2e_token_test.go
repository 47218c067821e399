package gateway

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// orders is the YAML of an API that takes tokens; keys is where those of its
// auth server come from.
func orders(target, iss, keys string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- name: corp
  issuer: %q
  local_introspection: {%s}
  audience: {any: [orders]}
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://%s/shop"}]}
  scopes:
  - {name: writing, policies: {authorize: {token_scopes: {all: ["orders:write"]}}}}
  resources:
  - {path: /orders, methods: [GET, POST]}
  - {path: "/orders/{id}", methods: [DELETE], scopes: [writing]}
  - {path: /staff, methods: [GET], scopes: [writing]}
  policies:
    identify: {by: [jwt], auth_servers: [corp], applications: none, claim_headers: {X-User: sub, X-Roles: realm_access.roles}}
`, iss, keys, target)
}

// everySecond is how a test's auth server keeps its keys.
func everySecond(address string) string {
	return fmt.Sprintf("jwks_uri: %q, refresh: 1s, unknown_kid_interval: 1s", address)
}

// ask is a raw request for the orders with a token.
func ask(token string) string {
	return lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: shop.example.com", "Authorization: Bearer "+token)
}

// Wherever the keys come from, a token is believed, taken off, and what it says
// is what the upstream learns.
func TestTokenIsBelieved(t *testing.T) {
	key, named := newSigner(t, "k1"), newRSASigner(t, "r1")
	ca := newAuthority(t)
	ofCertificate := &signer{"", jwt.SigningMethodES256, ca.key}
	public, err := x509.MarshalPKIXPublicKey(key.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		keys func(*issuer) string
		set  string // in keys.json, and served; "": that of key
		by   *signer
	}{
		{"jwks_uri", func(i *issuer) string { return fmt.Sprintf("jwks_uri: %q", i.URL+"/keys") }, "", key},
		{"discovery", func(*issuer) string { return "discovery: true" }, "", key},
		{"jwks", func(*issuer) string { return "jwks: keys.json" }, "", key},
		{"certificate", func(*issuer) string { return "certificate: issuer.crt" }, "", ofCertificate},
		{"public_key", func(*issuer) string { return "public_key: issuer.pub, algorithms: [ES256]" }, "", key},
		{"key that says RSA for its algorithm", func(i *issuer) string { return fmt.Sprintf("jwks_uri: %q", i.URL+"/keys") }, marshal(map[string]any{"keys": []any{named.jwk("RSA")}}), named},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.set == "" {
				tt.set = setOf(key)
			}
			i, u, dir := openIssuer(t), newTarget(t, always(ok)), t.TempDir()
			i.serve(says(tt.set))
			put(t, dir+"/keys.json", tt.set)
			put(t, dir+"/issuer.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
			put(t, dir+"/issuer.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
			d := deploy(t, dir, orders(u.address, i.URL, tt.keys(i)))
			token := tt.by.sign(t, claims(i.URL, map[string]any{"realm_access": map[string]any{"roles": []string{"user", "shopper"}}}))

			got := d.do(lines("POST /gateway/orders/1.0/orders?a=%2f&b HTTP/1.1", "Host: shop.example.com", "Authorization: Bearer "+token,
				"X-User: admin", "x-user: admin", "X_User: admin", "X-Roles: root", "Connection: X-Roles, X-User", "accept:  a,b", "X-Request-Id: r-1",
				"Trailer: X-User", "Transfer-Encoding: chunked") + "2\r\nhi\r\n0\r\nX-User: admin\r\nx_roles: root\r\nX-Sum: 1\r\n\r\n")
			if diff := cmp.Diff("HTTP/1.1 200 OK\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\nok", got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			want := lines("POST /shop/orders?a=%2f&b HTTP/1.1", "Host: "+u.address,
				"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: shop.example.com",
				"accept:  a,b", "X-Request-Id: r-1", "Trailer: X-User", "X-User: alice", "X-Roles: user,shopper", "Via: 1.1 postern", "Transfer-Encoding: chunked") +
				"2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"
			if diff := cmp.Diff(want, u.next()); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
			line := d.accessLine("r-1")
			if line["sub"] != "alice" || line["api"] != "orders/1.0" || line["status"] != 200.0 || line["client"] != "127.0.0.1" {
				t.Errorf("access line %v", line)
			}
		})
	}
}

// refusal is the whole raw answer that a caller gets for a problem.
func refusal(status, code, title string, fields ...string) string {
	body := fmt.Sprintf(`{"type":"urn:postern:problem:%s","title":"%s","status":%s,"instance":"urn:postern:request:r-1","code":"%s"}`+"\n",
		code, title, status[:3], code)
	head := append([]string{
		"HTTP/1.1 " + status, "Content-Type: application/problem+json", fmt.Sprintf("Content-Length: %d", len(body)),
		"Cache-Control: no-store", "X-Request-Id: r-1",
	}, fields...)
	return lines(head...) + body
}

var (
	tokenMissing = refusal("401 Unauthorized", "token_missing", "A token is required", `Www-Authenticate: Bearer realm="postern"`)
	invalidToken = refusal("401 Unauthorized", "invalid_token", "The token is not acceptable", `Www-Authenticate: Bearer realm="postern", error="invalid_token"`)
)

// Whatever is wrong with a token, its caller is told the same; the access line
// says what it was.
func TestTokenIsRefused(t *testing.T) {
	key, other := newSigner(t, "k1"), newSigner(t, "k1")
	i, elsewhere := openIssuer(t, key), openIssuer(t, other)
	u := newTarget(t, always(ok))
	text := strings.Replace(orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q, algorithms: [ES256, RS256]", i.URL+"/keys")), "auth_servers:\n", fmt.Sprintf(`auth_servers:
- {name: other, issuer: %q, local_introspection: {jwks_uri: %q}, audience: {any: [orders]}}
`, elsewhere.URL, elsewhere.URL+"/keys"), 1)
	d := deploy(t, t.TempDir(), text)
	wantStatus(t, d.do(ask(key.sign(t, claims(i.URL, nil)))), 200)
	u.next()

	with := func(more map[string]any) string { return key.sign(t, claims(i.URL, more)) }
	good := with(nil)
	parts := strings.Split(good, ".")
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims(i.URL, nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	shared := jwt.NewWithClaims(jwt.SigningMethodHS256, claims(i.URL, nil))
	shared.Header["kid"] = "k1"
	confused, err := shared.SignedString([]byte(setOf(key)))
	if err != nil {
		t.Fatal(err)
	}
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	for _, tt := range []struct{ name, token, reason string }{
		{"expired", with(map[string]any{"exp": past}), "expired"},
		{"without an end", with(map[string]any{"exp": nil}), "exp"},
		{"that ends at zero", with(map[string]any{"exp": 0}), "exp"},
		{"not yet valid", with(map[string]any{"nbf": future}), "not yet valid"},
		{"issued tomorrow", with(map[string]any{"iat": future}), "not yet valid"},
		{"for another audience", with(map[string]any{"aud": "payments"}), "another audience"},
		{"without an audience", with(map[string]any{"aud": nil}), "another audience"},
		{"of an unknown issuer", with(map[string]any{"iss": "https://evil.example.com"}), "issuer is not known"},
		{"of no issuer", with(map[string]any{"iss": nil}), "issuer is not known"},
		{"of another API's issuer", other.sign(t, claims(elsewhere.URL, nil)), "issuer is not known"},
		{"signed by another issuer's key", other.sign(t, claims(i.URL, nil)), "signature is wrong"},
		{"signed by an unknown key", newSigner(t, "k9").sign(t, claims(i.URL, nil)), "key is not known"},
		{"without a signature", unsigned, "algorithm"},
		{"signed with the key set as a shared key", confused, "algorithm"},
		{"signed by a forbidden algorithm", (&signer{"k1", jwt.SigningMethodPS256, newRSASigner(t, "").private}).sign(t, claims(i.URL, nil)), "algorithm"},
		{"with other claims", parts[0] + "." + strings.Split(with(map[string]any{"sub": "admin"}), ".")[1] + "." + parts[2], "signature is wrong"},
		{"cut off", good[:len(good)-1], ""},
		{"with more behind it", good + ".x", "malformed"},
		{"that is none", "opaque", "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := strings.ReplaceAll("t-"+tt.name, " ", "-")
			id = strings.ReplaceAll(id, "'", "")
			request := strings.Replace(ask(tt.token), "\r\n\r\n", "\r\nX-Request-Id: "+id+"\r\n\r\n", 1)
			want := strings.ReplaceAll(invalidToken, "r-1", id)
			want = strings.Replace(want, fmt.Sprintf("Content-Length: %d", len(payload(invalidToken))), fmt.Sprintf("Content-Length: %d", len(payload(want))), 1)
			if diff := cmp.Diff(want, steady(d.do(request))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			line := d.accessLine(id)
			if reason, _ := line["reason"].(string); reason == "" || !strings.Contains(reason, tt.reason) {
				t.Errorf("reason %q does not say %q", reason, tt.reason)
			}
			if line["sub"] != "" || line["code"] != "invalid_token" || line["attempts"] != 0.0 {
				t.Errorf("access line %v", line)
			}
		})
	}
	if len(u.seen) > 0 {
		t.Errorf("the target was asked: %q", u.next())
	}
}

// Without one readable token there is nothing to judge.
func TestCredentialsAreRefused(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	good := "Bearer " + key.sign(t, claims(i.URL, nil))
	scoped := "Bearer " + key.sign(t, claims(i.URL, map[string]any{"scope": "orders:read orders:writer"}))
	insufficient := refusal("403 Forbidden", "insufficient_scope", "The token does not allow this",
		`Www-Authenticate: Bearer realm="postern", error="insufficient_scope", scope="orders:write"`)
	twice := strings.NewReplacer(`"status":400,`, `"status":400,"detail":"there are two authorization fields (RFC 9110 11.6.2)",`, "Content-Length: 149", "Content-Length: 213").Replace(
		refusal("400 Bad Request", "bad_request", "The request is malformed", "Connection: close"))
	for _, tt := range []struct {
		name   string
		method string
		fields []string
		want   string
	}{
		{"none", "GET /orders", nil, tokenMissing},
		{"another scheme", "GET /orders", []string{"Authorization: Basic YTpi"}, tokenMissing},
		{"scheme alone", "GET /orders", []string{"Authorization: Bearer"}, tokenMissing},
		{"twin of the name", "GET /orders", []string{"X-Authorization: " + good}, tokenMissing},
		{"in the query", "GET /orders?access_token=" + good[7:], nil, tokenMissing},
		{"two", "GET /orders", []string{"Authorization: " + good, "authorization: " + good}, twice},
		{"two, one empty", "GET /orders", []string{"Authorization:", "Authorization: " + good}, twice},
		{"scope missing", "DELETE /orders/1", []string{"Authorization: " + good}, insufficient},
		{"scope that only begins so", "DELETE /orders/1", []string{"Authorization: " + scoped}, insufficient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.method, " ")
			head := append([]string{method + " /gateway/orders/1.0" + path + " HTTP/1.1", "Host: shop", "X-Request-Id: r-1"}, tt.fields...)
			got := steady(d.do(lines(head...)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
