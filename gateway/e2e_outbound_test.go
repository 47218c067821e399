package gateway

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is the YAML of APIs whose upstreams know the gateway by something.
func known(target, iss string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {query: true}
auth_servers:
- {name: corp, issuer: %[2]q, local_introspection: {jwks_uri: %[3]q}, audience: {any: [orders]}}
users: [{name: alice, password: wonderland}]
policies:
- {name: everywhere, when: {apis: ["*bare"]}, policies: {outbound: none}}
apis:
- {name: bare, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
- {name: taken, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [jwt], applications: none}}}
- {name: token, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [jwt], applications: none, claim_headers: {X-User: sub}}, outbound: forward_token}}
- {name: cookie, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [jwt], applications: none, token: {cookie: at}}, outbound: forward_token}}
- {name: user, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [jwt, basic], applications: none}, outbound: forward_basic}}
- {name: basic, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [jwt], applications: none}, outbound: {basic: {user: edge, password: manage}}}}
- name: key
  upstream: {targets: [{url: "http://%[1]s"}], retry: {on: [503]}}
  resources: [{path: /field}, {path: /query, scopes: [query]}, {path: /none, scopes: [none]}]
  scopes: [{name: query, policies: {outbound: {api_key: {query: key, value: "top secret"}}}}, {name: none, policies: {outbound: none}}]
  policies: {identify: none, outbound: {api_key: {header: X-Key, value: topsecret}}}
`, target, iss, iss+"/keys")
}

// What the upstream is sent, whole.
func TestOutboundFromOutside(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), known(u.address, i.URL))
	token := key.sign(t, claims(i.URL, nil))
	bearer, basic := "Authorization: Bearer "+token, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("a:b"))
	for _, tt := range []struct {
		name, target string
		fields       []string
		want         string   // request target
		sent         []string // fields
	}{
		{"none", "/bare/x?a", []string{basic, "X-A: 1"}, "/x?a", []string{"X-A: 1"}},
		{"taken off", "/taken/x", []string{bearer}, "/x", nil},
		{"token", "/token/x", []string{bearer, "X-User: evil"}, "/x", []string{bearer, "X-User: alice"}},
		{"token in a cookie", "/cookie/x", []string{"Cookie: a=1; at=" + token}, "/x", []string{"Cookie: a=1; at=" + token}},
		{"user of the caller", "/user/x", []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZA=="}, "/x", []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZA=="}},
		{"a token where users are forwarded", "/user/x", []string{bearer}, "/x", nil},
		{"basic", "/basic/x", []string{bearer}, "/x", []string{"Authorization: Basic ZWRnZTptYW5hZ2U="}},
		{"key in a field", "/key/field", []string{"x-key: mine", "X_Key: mine", bearer}, "/field", []string{bearer, "X-Key: topsecret"}},
		{"key in the query", "/key/query?key=mine&a=b", nil, "/query?a=b&key=top%20secret", nil},
		{"the nearest level", "/key/none?key=mine", []string{bearer, "X-Key: mine"}, "/none?key=mine", []string{"X-Key: mine"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := "X-Request-Id: " + strings.ReplaceAll(tt.name, " ", "-")
			head := append([]string{"GET /gateway" + tt.target + " HTTP/1.1", "Host: h", "Connection: close", id}, tt.fields...)
			wantStatus(t, d.do(lines(head...)), 200)
			got := u.next()
			for _, ours := range []string{id + "\r\n", "Host: " + u.address + "\r\n", "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n", "Via: 1.1 postern\r\n"} {
				got = strings.Replace(got, ours, "", 1)
			}
			if diff := cmp.Diff(lines(append([]string{"GET " + tt.want + " HTTP/1.1"}, tt.sent...)...), got); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
		})
	}
	if line := d.accessLine("key-in-the-query"); line["query"] != "a=b&key=***" {
		t.Errorf("access line %v", line)
	}
}

// Every attempt and every tunnel is sent the same.
func TestOutboundGoesWithEverything(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			u.seen <- request
			if strings.Contains(request, "Upgrade: chat") {
				p.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n")
				return
			}
			p.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}
	})
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: key
  upstream: {targets: [{url: "http://%s"}], retry: {on: [503]}, upgrade: {protocols: [chat]}}
  policies: {identify: none, outbound: {api_key: {header: X-Key, value: topsecret}}}
`, u.address))
	wantStatus(t, d.do(lines("GET /gateway/key/x HTTP/1.1", "Host: h")), 503)
	wantStatus(t, d.do(lines("GET /gateway/key/x HTTP/1.1", "Host: h", "Connection: upgrade", "Upgrade: chat")), 101)
	for _, what := range []string{"first attempt", "second attempt", "tunnel"} {
		if got := field(u.next(), "X-Key"); got != "topsecret" {
			t.Errorf("%s: key %q", what, got)
		}
	}
}
