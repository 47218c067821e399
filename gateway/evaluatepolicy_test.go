package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// evaluated is the YAML of an API whose identify is as stated, and of
// applications: shop and batch, which are registered, and far, which is not.
func evaluated(target, identify string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
trusted_proxies: [127.0.0.2]
client_certificate_header: X-Client-Cert
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- {name: corp, issuer: https://idp.example.com, local_introspection: {jwks: keys.json}, audience: {any: [orders]}}
applications:
- {name: shop, apis: [orders], identify: {api_keys: [shop-key], ip: [127.0.0.1], claims: [{azp: shop}]}}
- {name: batch, apis: [orders], identify: {api_keys: [batch-key], ip: [127.0.0.3], claims: [{azp: batch}]}}
- {name: far, identify: {api_keys: [far-key], ip: [127.0.0.4]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://%s"}]}
  policies: {identify: {%s, caller_headers: {X-App: application.name}}}
`, target, identify)
}

// TestEvaluatePolicy: each parameter of the template evaluatePolicy changes the
// answer, in the words that stand for it here.
func TestEvaluatePolicy(t *testing.T) {
	u := newTarget(t, always(ok))
	const shop, batch, far = "X-Gateway-APIKey: shop-key", "x-gateway-apikey: batch-key", "X-Gateway-APIKey: far-key"
	key := newSigner(t, "k1")
	token := func(azp string) string {
		return "Authorization: Bearer " + key.sign(t, claims("https://idp.example.com", map[string]any{"azp": azp}))
	}
	keys, err := json.Marshal(map[string]any{"keys": []any{key.jwk("")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		parameter, identify, from string
		lines                     []string
		want                      string // the application that the upstream is told, or a status
	}{
		{"identificationType apiKey", "by: [api_key]", "", []string{shop}, "shop"},
		{"identificationType apiKey, in the query", "by: [api_key], api_key: {query: APIKey}", "?APIKey=shop-key", nil, "shop"},
		{"identificationType ipAddressRange", "by: [ip]", "", []string{shop}, "shop"},
		{"identificationType ipAddressRange, by a proxy's word", "by: [ip]", "127.0.0.2", []string{"X-Forwarded-For: 127.0.0.3"}, "batch"},
		{"identificationType ipAddressRange, by a stranger's word", "by: [ip]", "127.0.0.5", []string{"X-Forwarded-For: 127.0.0.3"}, "401"},
		{"identificationType jwtClaims", "by: [jwt]", "", []string{token("batch")}, "batch"},
		{"identificationType jwtClaims, with a key", "by: [jwt]", "", []string{shop}, "401"},
		{"logicalConnector OR", "by: [api_key, ip]", "127.0.0.3", nil, "batch"},
		{"logicalConnector AND", "by: [api_key, ip], combine: and", "127.0.0.3", nil, "401"},
		{"logicalConnector AND, both", "by: [api_key, ip], combine: and", "127.0.0.3", []string{batch}, "batch"},
		{"logicalConnector AND, of two applications", "by: [api_key, ip], combine: and", "127.0.0.3", []string{shop}, "401"},
		{"allowAnonymous false", "by: [api_key]", "", nil, "401"},
		{"allowAnonymous true", "by: [api_key], anonymous: true", "", nil, ""},
		{"allowAnonymous true, a wrong key", "by: [api_key], anonymous: true", "", []string{"X-Gateway-APIKey: x"}, "401"},
		{"applicationLookup strict", "by: [api_key], applications: registered", "", []string{far}, "401"},
		{"applicationLookup absent", "by: [api_key]", "", []string{far}, "401"},
		{"applicationLookup relax", "by: [api_key], applications: all", "", []string{far}, "far"},
		{"applicationLookup open", "by: [jwt], applications: none", "", []string{token("nobody")}, ""},
		{"applicationLookup open, a wrong token", "by: [jwt], applications: none", "", []string{token("nobody") + "x"}, "401"},
	} {
		t.Run(tt.parameter, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/keys.json", string(keys))
			d := deploy(t, dir, evaluated(u.address, tt.identify))
			query, from := "", "127.0.0.1"
			if strings.HasPrefix(tt.from, "?") {
				query = tt.from
			} else if tt.from != "" {
				from = tt.from
			}
			p := dialFrom(t, from, d.http)
			got := p.do(lines(append([]string{"GET /gateway/orders/a" + query + " HTTP/1.1", "Host: h"}, tt.lines...)...))
			if status(got) != 200 {
				if fmt.Sprint(status(got)) != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
				return
			}
			if seen := field(u.next(), "X-App"); seen != tt.want {
				t.Errorf("the upstream is told %q, want %q", seen, tt.want)
			}
		})
	}
}

// TestProofAtTwoLevels: a proof is good once, for as many levels as ask for it.
func TestProofAtTwoLevels(t *testing.T) {
	issuerKey, holder := newSigner(t, "k1"), newSigner(t, "")
	i, u := openIssuer(t, issuerKey), newTarget(t, always(ok))
	text := orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))
	d := deploy(t, t.TempDir(), text+"policies: [{name: all, policies: {identify: {by: [jwt], sender_constrained: [dpop], applications: none}}}]\n")
	token := issuerKey.sign(t, claims(i.URL, map[string]any{"cnf": map[string]any{"jkt": holder.thumbprint()}}))
	ask := func(proof string) string {
		return d.do(lines("GET /gateway/orders/1.0/orders HTTP/1.1", "Host: shop.example.com", "Authorization: DPoP "+token, "DPoP: "+proof))
	}
	proof := holder.prove(t, "GET", "http://shop.example.com/gateway/orders/1.0/orders", token, nil)
	wantStatus(t, ask(proof), 200)
	if seen := u.next(); field(seen, "DPoP") != "" || field(seen, "Authorization") != "" {
		t.Errorf("the upstream has seen %q", seen)
	}
	wantStatus(t, ask(proof), 401)
}
