package explain_test

import (
	"strings"
	"testing"

	"postern/gateway/explain"
)

// What explain prints is shown to others: it holds nothing that lets them in.
func TestExplainShowsNoSecret(t *testing.T) {
	s := newSigner(t)
	text := settings + `- name: odd
  upstream: {targets: [{url: "http://odd:8080"}]}
  policies: {identify: {by: [jwt], auth_servers: [corp], applications: none, token: {header: X-Key, query: key}}}
- name: known
  upstream: {targets: [{url: "http://known:8080"}]}
  resources: [{path: /a}, {path: /b, scopes: [query]}, {path: /c, scopes: [basic]}]
  scopes:
  - {name: query, policies: {outbound: {api_key: {query: okey, value: s3cr3t-marker}}}}
  - {name: basic, policies: {outbound: {basic: {user: edge, password: s3cr3t-marker}}}}
  policies: {identify: none, outbound: {api_key: {header: X-Own, value: s3cr3t-marker}}}
- name: moved
  upstream: {targets: [{url: "http://moved:8080"}]}
  policies:
    identify: {by: [jwt], auth_servers: [corp], applications: none}
    transform: {request: [{set_headers: {X-T: "<${request.authorization.incomingToken}>", X-A: "${request.authorization.authHeader}"}, set_query: {t: "${request.authorization.incomingToken}"}}, {add_headers: {X-S: "{encoded}czNjcjN0LW1hcmtlcg=="}, add_query: {s: "{encoded}czNjcjN0LW1hcmtlcg=="}}]}
logging: {mask: [code]}
`
	dir := folder(t, s, text)
	good := s.token(t, map[string]any{"scope": "orders:read"})
	const marker = "s3cr3t-marker"
	for _, tt := range []struct {
		name    string
		command explain.Command
		want    string // shown nevertheless
	}{
		{"token", explain.Command{API: "orders", Path: "/orders/7", Token: good, HTTPS: true}, "X-User: alice"},
		{"open API", explain.Command{API: "open/3", Path: "/a", Token: marker, Header: []string{"Cookie: " + marker, "Accept: a"}}, "Accept: a"},
		{"lower case", explain.Command{API: "open/3", Path: "/a", Header: []string{"authorization: " + marker}}, "authorization: ***"},
		{"query", explain.Command{API: "open/3", Path: "/a?x=1&access_token=" + marker + "&code=" + marker + "&%63ode=" + marker}, "/a?x=1&access_token=***&code=***&%63ode=*** HTTP/1.1"},
		{"header of its own", explain.Command{API: "odd", Path: "/a?key=" + marker + "x", Header: []string{"X-Key: " + marker}}, "GET /gateway/odd/a?key=*** HTTP/1.1"},
		{"another API's", explain.Command{API: "open/3", Path: "/a?key=" + marker, Header: []string{"x-key: " + marker}}, "x-key: ***"},
		{"the gateway's field", explain.Command{API: "known", Path: "/a"}, "X-Own: ***"},
		{"the gateway's parameter", explain.Command{API: "known", Path: "/b?x=1"}, "/b?x=1&okey=*** HTTP/1.1"},
		{"the gateway's user", explain.Command{API: "known", Path: "/c"}, "Authorization: ***"},
		{"a token that is moved", explain.Command{API: "moved", Path: "/c", Token: good}, "/c?t=***&s=*** HTTP/1.1"},
		{"no field", explain.Command{API: "open/3", Header: []string{"Authorization " + marker}}, "form 'Name: value'"},
		{"in two lines", explain.Command{API: "open/3", Header: []string{"Authorization: a\r\n" + marker}}, "form 'Name: value'"},
	} {
		for _, asJSON := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				tt.command.Config, tt.command.Method, tt.command.From = []string{dir + "/postern.yaml"}, "GET", "127.0.0.1"
				tt.command.JSON = asJSON
				out, err := run(t, tt.command)
				if err != nil {
					out += err.Error()
				}
				if strings.Contains(out, marker) || strings.Contains(out, good) {
					t.Errorf("shows a secret:\n%s", out)
				}
				if !strings.Contains(out, tt.want) {
					t.Errorf("%q is missing:\n%s", tt.want, out)
				}
			})
		}
	}
}

// What a token says is no command to a terminal.
func TestExplainIsPrintable(t *testing.T) {
	s := newSigner(t)
	token := s.token(t, map[string]any{"scope": "orders:read \x1b[2J\nroute\u009b2J"})
	c := explain.Command{API: "orders", Path: "/orders/7", Method: "GET", From: "127.0.0.1", Token: token, HTTPS: true}
	c.Config = []string{folder(t, s, settings) + "/postern.yaml"}
	out, err := run(t, c)
	if err != nil || strings.ContainsAny(out, "\x1b\u009b") || strings.Contains(out, "\nroute") {
		t.Errorf("%v\n%q", err, out)
	}
}
