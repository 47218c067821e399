package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// paged is the YAML of APIs that pages of other origins may use.
func paged(target, iss, keys string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- {name: corp, issuer: %[2]q, local_introspection: {jwks_uri: %[3]q}, audience: {any: [orders]}}
applications:
- {name: shop-app, apis: [orders], identify: {claims: [{azp: shop}]}, origins: [https://app.example]}
policies:
- {name: everywhere, policies: {cors: {origins: ["*"]}}}
- {name: deletions, when: {methods: [DELETE], apis: [orders]}, policies: {protocols: [https]}}
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources:
  - {path: "/orders/{id}", methods: [GET, PUT, DELETE]}
  - {path: /staff, scopes: [staff]}
  - {path: /alone, scopes: [alone]}
  scopes:
  - {name: staff, policies: {cors: {origins: [https://staff.example]}}}
  - {name: alone, policies: {cors: none}}
  policies:
    identify: {by: [jwt], applications: all}
    cors:
      origins: [https://shop.example, {pattern: 'https://pr-[0-9]+\.example'}]
      headers: [Authorization, Content-Type]
      expose_headers: [ETag]
      credentials: true
      max_age: 10m
- {name: open, version: "1", upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
- {name: dead, version: "1", upstream: {targets: [{url: "http://%[4]s"}]}, policies: {identify: none}}
- {name: plain, version: "1", upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none, cors: none}}
`, target, iss, iss+"/keys", keys)
}

const pageAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\n\r\nok"

// What browsers ask and get, whole.
func TestCORSFromOutside(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(pageAnswer))
	d := deploy(t, t.TempDir(), paged(u.address, i.URL, closedPort(t)))
	token := "Authorization: Bearer " + key.sign(t, claims(i.URL, map[string]any{"azp": "shop"}))
	const preflight = "Vary: Origin\r\nVary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
	const permit = "Access-Control-Allow-Origin: https://shop.example\r\nAccess-Control-Allow-Credentials: true\r\n"
	refusedOrigin := refusal("403 Forbidden", "origin_not_allowed", "Pages of this origin may not use this API")
	withVary := func(answer, vary string) string { return strings.Replace(answer, "\r\n\r\n", "\r\n"+vary+"\r\n", 1) }
	asks := func(origin, method string, more ...string) []string {
		return append([]string{"Origin: " + origin, "Access-Control-Request-Method: " + method}, more...)
	}
	for _, tt := range []struct {
		name, request string
		fields        []string
		want          string
	}{
		{
			"a preflight of a resource without OPTIONS", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://shop.example", "PUT", "Access-Control-Request-Headers: authorization,content-type"),
			"HTTP/1.1 204 No Content\r\nX-Request-Id: r-1\r\n" + preflight + permit + "Access-Control-Allow-Methods: PUT\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\nAccess-Control-Max-Age: 600\r\n\r\n",
		},
		{
			"a request", "PUT /gateway/orders/1.0/orders/7",
			[]string{"Origin: https://shop.example", token},
			"HTTP/1.1 200 OK\r\nVary: Accept\r\nX-Request-Id: r-1\r\n" + "Vary: Origin\r\n" + permit + "Access-Control-Expose-Headers: ETag\r\nContent-Length: 2\r\n\r\nok",
		},
		{
			"a request without an origin", "PUT /gateway/orders/1.0/orders/7",
			[]string{token},
			"HTTP/1.1 200 OK\r\nVary: Accept\r\nX-Request-Id: r-1\r\nVary: Origin\r\nContent-Length: 2\r\n\r\nok",
		},
		{
			"a request without a token", "GET /gateway/orders/1.0/orders/7",
			[]string{"Origin: https://pr-12.example"},
			withVary(tokenMissing, "Vary: Origin\r\nAccess-Control-Allow-Origin: https://pr-12.example\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: ETag\r\n"),
		},
		{"a request of another origin", "GET /gateway/orders/1.0/orders/7", []string{"Origin: https://evil.example", token}, withVary(refusedOrigin, "Vary: Origin\r\n")},
		{"a preflight of another origin", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://evil.example", "PUT"), withVary(refusedOrigin, "Vary: Origin\r\n")},
		{
			"a preflight for an application", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://app.example", "GET"),
			"HTTP/1.1 204 No Content\r\nX-Request-Id: r-1\r\n" + preflight + strings.Replace(permit, "shop", "app", 1) + "Access-Control-Allow-Methods: GET\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\nAccess-Control-Max-Age: 600\r\n\r\n",
		},
		{
			"a request of the application", "GET /gateway/orders/1.0/orders/7",
			[]string{"Origin: https://app.example", token},
			"HTTP/1.1 200 OK\r\nVary: Accept\r\nX-Request-Id: r-1\r\n" + "Vary: Origin\r\n" + strings.Replace(permit, "shop", "app", 1) + "Access-Control-Expose-Headers: ETag\r\nContent-Length: 2\r\n\r\nok",
		},
		{
			"a preflight of a header", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://shop.example", "PUT", "Access-Control-Request-Headers: x-secret"),
			withVary(refusal("403 Forbidden", "header_not_allowed", "Pages of other origins may not set this header"), preflight),
		},
		{
			"a preflight of a method that is not there", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://shop.example", "POST"),
			refusal("405 Method Not Allowed", "method_not_allowed", "The method is not allowed here", "Allow: DELETE, GET, HEAD, PUT", "Vary: Origin"),
		},
		{"a preflight of a path that is not there", "OPTIONS /gateway/orders/1.0/other", asks("https://shop.example", "GET"), withVary(refusal("404 Not Found", "not_found", "There is nothing here"), "Vary: Origin\r\n")},
		{"a path that is not there", "GET /gateway/orders/1.0/other", []string{"Origin: https://shop.example"}, withVary(refusal("404 Not Found", "not_found", "There is nothing here"), "Vary: Origin\r\n"+permit)},
		{"a path that is not there, for another origin", "GET /gateway/orders/1.0/other", []string{"Origin: https://evil.example"}, withVary(refusal("404 Not Found", "not_found", "There is nothing here"), "Vary: Origin\r\n")},
		{"a preflight meets the policies of the method", "OPTIONS /gateway/orders/1.0/orders/7", asks("https://shop.example", "DELETE"), refusal("403 Forbidden", "protocol_not_allowed", "This API is not offered over this protocol")},
		{"a scope of its own", "OPTIONS /gateway/orders/1.0/staff", asks("https://shop.example", "GET"), withVary(refusedOrigin, "Vary: Origin\r\n")},
		{"a scope without", "OPTIONS /gateway/orders/1.0/alone", asks("https://shop.example", "GET"), tokenMissing},
		{
			"the global policy", "OPTIONS /gateway/open/1/x", asks("https://any.example", "PATCH"),
			"HTTP/1.1 204 No Content\r\nX-Request-Id: r-1\r\nVary: Access-Control-Request-Method, Access-Control-Request-Headers\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: PATCH\r\nAccess-Control-Max-Age: 5\r\n\r\n",
		},
		{
			"a target that is away", "GET /gateway/dead/1/x",
			[]string{"Origin: https://any.example"},
			withVary(refusal("502 Bad Gateway", "upstream_failed", "The service could not be reached"), "Access-Control-Allow-Origin: *\r\n"),
		},
		{
			"no policy", "OPTIONS /gateway/plain/1/x", asks("https://any.example", "PATCH"),
			"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\nok",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := steady(d.do(lines(append([]string{tt.request + " HTTP/1.1", "Host: api.example", "X-Request-Id: r-1"}, tt.fields...)...)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// Each key changes the answer. In the exports of webMethods they are called
// allowedOrigins, allowMethods, allowHeaders, exposeHeaders, allowCredentials and
// maxAge.
func TestCORSParameters(t *testing.T) {
	u := newTarget(t, always(ok))
	preflight := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-a"}
	for _, tt := range []struct {
		name, without, with string
		request             []string // a preflight; nil: a GET
		field               string   // of the answer; "": its status
		before, after       string
	}{
		{"origins", "origins: [https://other.example]", "origins: [https://shop.example]", nil, "", "403", "200"},
		{"methods", "methods: [GET]", "methods: [GET, PUT]", preflight, "", "405", "204"},
		{"headers", "headers: [X-B]", "headers: [X-A]", preflight, "", "403", "204"},
		{"expose_headers", "", "expose_headers: [ETag]", nil, "Access-Control-Expose-Headers", "", "ETag"},
		{"credentials", "", "credentials: true", nil, "Access-Control-Allow-Credentials", "", "true"},
		{"max_age", "", "max_age: 12s", preflight, "Access-Control-Max-Age", "5", "12"},
	} {
		for i, said := range []string{tt.without, tt.with} {
			t.Run(tt.name+[]string{" left out", ""}[i], func(t *testing.T) {
				section := []string{"origins: [https://shop.example]", "headers: [X-A]"}
				if said != "" {
					key, _, _ := strings.Cut(said, ":")
					section = append(slices.DeleteFunc(section, func(s string) bool { return strings.HasPrefix(s, key+":") }), said)
				}
				g := startText(t, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis: [{name: a, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none, cors: {%s}}}]
`, u.address, strings.Join(section, ", ")))
				head := []string{"GET /gateway/a/x HTTP/1.1", "Host: h", "Origin: https://shop.example"}
				if tt.request != nil {
					head = append([]string{"OPTIONS /gateway/a/x HTTP/1.1"}, append(head[1:], tt.request...)...)
				}
				answer := g.do(lines(head...))
				got := fmt.Sprint(status(answer))
				if tt.field != "" {
					got = field(answer, tt.field)
				}
				if want := []string{tt.before, tt.after}[i]; got != want {
					t.Errorf("{%s}: %q, want %q in %q", strings.Join(section, ", "), got, want, answer)
				}
			})
		}
	}
}
