package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// crossed is the YAML of APIs whose levels ask of some requests what they do not
// ask of others.
func crossed(target string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
users: [{name: alice, password: wonderland}]
policies:
- name: writes
  when: {methods: [POST, OPTIONS], apis: [pages]}
  policies: {identify: {by: [basic], applications: none, caller_headers: {X-User: subject}}, faults: {default: {content_type: text, body: "write: ${problem.code}"}}}
apis:
- {name: pages, upstream: {targets: [{url: "http://%[1]s"}]}, resources: [{path: /page}], policies: {identify: none, cors: {origins: ["https://shop.example"]}}}
- name: mixed
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources: [{path: /open}, {path: /mine, scopes: [mine]}]
  scopes: [{name: mine, policies: {identify: {by: [basic], applications: none, caller_headers: {X-User: subject}}}}]
  policies: {identify: none}
`, target)
}

// What a caller writes about itself does not choose which levels it meets, nor
// stands where an upstream reads what levels have found out.
func TestLevelsAreNotCrossed(t *testing.T) {
	u := newTarget(t, always(ok))
	g := startText(t, crossed(u.address))
	const alice = "Authorization: Basic YWxpY2U6d29uZGVybGFuZA=="
	for _, tt := range []struct {
		name, request string
		fields        []string
		want          int
		user          string // what the upstream reads in X-User
	}{
		{"OPTIONS is asked", "OPTIONS /gateway/pages/page", nil, 401, ""},
		{"OPTIONS in the look of a preflight", "OPTIONS /gateway/pages/page", []string{"Origin: http://h", "Access-Control-Request-Method: GET"}, 401, ""},
		{"a preflight", "OPTIONS /gateway/pages/page", []string{"Origin: https://shop.example", "Access-Control-Request-Method: POST"}, 204, ""},
		{"a method that is not asked", "GET /gateway/pages/page", []string{"X-User: root", "x_user: root", "X.User: root"}, 200, ""},
		{"a resource that is not asked", "GET /gateway/mixed/open", []string{"X-User: root", "x_user: root"}, 200, ""},
		{"a resource that is", "GET /gateway/mixed/mine", []string{"X-User: root", alice}, 200, "alice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := g.do(lines(append([]string{tt.request + " HTTP/1.1", "Host: h", "Connection: close"}, tt.fields...)...))
			wantStatus(t, got, tt.want)
			if tt.want != 200 {
				return
			}
			seen := u.next()
			if user := field(seen, "X-User"); user != tt.user || strings.Contains(seen, "root") {
				t.Errorf("the upstream has seen %q", seen)
			}
		})
	}
}

// The words of a level that holds for some methods are also those of what goes
// wrong before a resource is found.
func TestFaultsByMethodBeforeAResource(t *testing.T) {
	g := startText(t, crossed("127.0.0.1:9"))
	for _, tt := range []struct{ request, want string }{
		{"POST /gateway/pages/none", "write: not_found"},
		{"POST /gateway/pages/a%2fb", "write: bad_path"},
		{"GET /gateway/pages/none", `"code":"not_found"`},
		{"POST /gateway/mixed/none", `"code":"not_found"`},
	} {
		t.Run(tt.request, func(t *testing.T) {
			if got := g.do(lines(tt.request+" HTTP/1.1", "Host: h", "Connection: close")); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}
