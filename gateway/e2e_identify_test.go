package gateway

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// identified is the YAML of APIs that identify callers in several ways.
func identified(target, iss string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
tls: {certificates: [{certificate: server.crt, key: server.key}], client_ca: clients.pem}
trusted_proxies: [127.0.0.2]
client_certificate_header: Client-Cert
admin_api: {listen: "127.0.0.1:0"}
logging: {query: true}
auth_servers:
- {name: corp, issuer: %[2]q, local_introspection: {jwks_uri: "%[2]s/keys"}, audience: {any: [orders]}}
policies:
- {name: inside, when: {apis: [levels]}, policies: {identify: {by: [ip]}}}
applications:
- name: shop
  apis: [orders, levels, certified]
  identify:
    claims: [{azp: shop}]
    api_keys: [{sha256: 44cfdcdd88354fa1412781f5a01a901c9112db33bfa8b165fbec9b618d9cf112}]
    ip: [127.0.0.1]
    certificates: [{file: shop.crt}]
- {name: batch, apis: [orders, levels], identify: {api_keys: [batch-key], claims: [{azp: batch}], ip: [127.0.0.3]}}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies:
    identify:
      by: [jwt, api_key]
      api_key: {header: X-Gateway-APIKey, query: APIKey}
      caller_headers: {X-App: application.name}
- name: levels
  version: "1"
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources:
  - {path: /open}
  - {path: /staff, scopes: [staff]}
  scopes:
  - {name: staff, policies: {identify: {by: [jwt], claim_headers: {X-Sub: sub}}}}
  policies: {identify: {by: [api_key]}}
- name: certified
  version: "1"
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies: {identify: {by: [certificate], caller_headers: {X-App: application.name}}}
- name: office
  version: "1"
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies: {identify: {by: [ip], applications: all}}
`, target, iss)
}

// TestIdentifyFromOutside shows raw requests, what is told and what the upstream
// sees of them.
func TestIdentifyFromOutside(t *testing.T) {
	key, ca, u := newSigner(t, "k1"), newAuthority(t), newTarget(t, always(ok))
	i := openIssuer(t, key)
	ca.issue("server", "a.example.com")
	_, _, mine := ca.issue("shop", "caller")
	ca.write("clients.pem", "CERTIFICATE", ca.cert.Raw)
	d := deploy(t, ca.dir, identified(u.address, i.URL))
	token := func(azp string) string {
		return "Authorization: Bearer " + key.sign(t, claims(i.URL, map[string]any{"azp": azp}))
	}
	const bearer, apiKey = `Bearer realm="postern"`, `ApiKey realm="postern"`
	unidentified := func(challenge string) string {
		return refusal("401 Unauthorized", "unidentified", "The caller is not identified", "Www-Authenticate: "+challenge)
	}
	invalid := func(challenge string) string {
		return refusal("401 Unauthorized", "invalid_credential", "The credential is not acceptable", "Www-Authenticate: "+challenge)
	}
	twoKeys := strings.NewReplacer("Length: 149", "Length: 195", `"status":400`, `"status":400,"detail":"more than one API key is presented"`).Replace(
		refusal("400 Bad Request", "bad_request", "The request is malformed", "Www-Authenticate: "+apiKey))
	const good, other, shopKey = "HTTP/1.1 200 OK\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\nok", `Postern realm="postern"`, "X-Gateway-APIKey: shop-key"
	for n, tt := range []struct {
		name, target string
		lines        []string
		want         string
		upstream     string // what it sees, after Host
		line         string // of the access log: by, application, reason
	}{
		{"key", "/orders/1/a", []string{shopKey, "x_gateway_apikey: other"}, good, "X-App: shop\r\n", "api_key shop "},
		{"key, and a token of another application", "/orders/1/a", []string{shopKey, token("batch")}, good, "X-App: batch\r\n", "token batch "},
		{"key in the query", "/orders/1/a?x=1&APIKey=shop-key", nil, good, "X-App: shop\r\n", "api_key shop "},
		{"key in the query, escaped", "/orders/1/a?%41PI%4bey=shop-key", nil, good, "X-App: shop\r\n", "api_key shop "},
		{"nothing", "/orders/1/a", []string{"X-App: root"}, unidentified(bearer + ", " + apiKey), "", "  "},
		{"wrong key, and a good token", "/orders/1/a", []string{"X-Gateway-APIKey: tried-key", token("shop")}, invalid(bearer + ", " + apiKey), "", "  api_key: no application is known by it"},
		{"key behind an escaped question mark", "/orders/1/a%3FAPIKey=shop-key", nil, unidentified(bearer + ", " + apiKey), "", "  "},
		{"key in a parameter of the path", "/orders/1/a;APIKey=shop-key?x=%26APIKey=shop-key", nil, unidentified(bearer + ", " + apiKey), "", "  "},
		{"key behind a semicolon of the query", "/orders/1/a?x=1;APIKey=shop-key", nil, unidentified(bearer + ", " + apiKey), "", "  "},
		{"key in the query and in the header", "/orders/1/a?APIKey=shop-key", []string{shopKey}, twoKeys, "", "  more than one API key is presented"},
		{"underscores", "/orders/1/a", []string{"x_gateway_apikey: shop-key"}, unidentified(bearer + ", " + apiKey), "", "  "},

		{"all levels", "/levels/1/staff", []string{shopKey, token("shop")}, good, "X-Sub: alice\r\n", "ip shop "},
		{"not the scope's", "/levels/1/staff", []string{shopKey}, tokenMissing, "", "ip shop "},
		{"without the scope", "/levels/1/open", []string{shopKey}, good, "", "ip shop "},
		{"key of another application than its address", "/levels/1/open", []string{"X-Gateway-APIKey: batch-key"}, invalid(apiKey), "", "ip shop api_key: what is presented speaks for different applications"},

		{"address", "/office/1/a", nil, good, "", "ip shop "},
		{"address that a stranger makes up", "/office/1/a", []string{"X-Forwarded-For: 127.0.0.3", "Forwarded: for=127.0.0.3"}, good, "", "ip shop "},
		{"no certificate", "/certified/1/a", nil, unidentified(other), "", "  "},
		{"certificate that a stranger makes up", "/certified/1/a", []string{"Client-Cert: :" + base64.StdEncoding.EncodeToString(mine.Leaf.Raw) + ":"}, unidentified(other), "", "  "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := "r-" + string(rune('A'+n))
			got := d.do(lines(append([]string{"GET /gateway" + tt.target + " HTTP/1.1", "Host: h", "X-Request-Id: " + id}, tt.lines...)...))
			if diff := cmp.Diff(tt.want, strings.ReplaceAll(steady(got), id, "r-1")); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if status(got) == 200 {
				if seen := u.next(); !strings.Contains(seen, tt.upstream) || strings.Contains(strings.ToLower(seen), "apikey") || strings.Contains(seen, "Bearer") {
					t.Errorf("the upstream has seen %q", seen)
				}
			}
			line := d.accessLine(id)
			if logged := fmt.Sprintf("%s %s %s", line["by"], line["application"], line["reason"]); logged != tt.line {
				t.Errorf("logged %q, want %q", logged, tt.line)
			}
		})
	}
	if log := d.access.String() + d.log.String(); strings.Contains(log, "shop-key") || strings.Contains(log, "tried-key") {
		t.Errorf("a key stands in the log: %s", log)
	}
	p := d.secure(&tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{mine}}, "a.example.com")
	wantStatus(t, p.do(lines("GET /gateway/certified/1/a HTTP/1.1", "Host: a.example.com")), 200)
	for series, want := range map[string]string{
		`postern_credentials_total{by="api_key",outcome="accepted"}`:     "8",
		`postern_credentials_total{by="api_key",outcome="differ"}`:       "1",
		`postern_credentials_total{by="api_key",outcome="unknown"}`:      "1",
		`postern_credentials_total{by="certificate",outcome="accepted"}`: "1",
	} {
		if got := d.metric(series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
}
