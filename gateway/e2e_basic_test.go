package gateway

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

// kept is the hash of a password, as cheap as it can be.
func kept(t testing.TB, text string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// shows is a request of a user for a path of an API.
func shows(path, pair string) string {
	request := []string{"GET /gateway" + path + " HTTP/1.1", "Host: h", "X-Request-Id: r1"}
	if pair != "" {
		request = append(request, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return lines(request...)
}

// basicAPIs is the YAML of APIs that ask for passwords.
func basicAPIs(target, alice, shopper string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
users:
- {name: alice, password: "%s", groups: [staff]}
- {name: bob, password: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}
- {name: carol, password: {env: CAROL}, groups: [operators]}
applications:
- {name: shop, apis: [orders], identify: {basic: [{user: shopper, password: "%s"}]}}
- {name: desk, apis: [elsewhere], identify: {basic: [{user: alice}]}}
access_profiles:
- {name: Administrators, groups: [operators, API-Gateway-Administrators]}
apis:
- name: orders
  upstream: &there {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [basic], caller_headers: {X-User: subject, X-App: application.name}}
- name: people
  upstream: *there
  scopes:
  - {name: admins, policies: {authorize: {combine: or, users: {any: [bob]}, groups: {any: [nobodies]}, access_profiles: {any: [Administrators]}}}}
  resources:
  - {path: /, methods: [GET]}
  - {path: /admin, methods: [GET], scopes: [admins]}
  policies:
    identify: {by: [basic], applications: none, anonymous: true, caller_headers: {X-User: subject}}
- name: elsewhere
  upstream: *there
  policies:
    identify: {by: [basic], applications: all}
`, alice, shopper, target)
}

// From raw requests to whole answers.
func TestBasicFromEndToEnd(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), basicAPIs(u.address, kept(t, "wonderland"), kept(t, "s3same")), "CAROL=sesame")
	for _, tt := range []struct{ name, path, pair, want, forwarded string }{
		{"an application", "/orders/x", "shopper:s3same", "200", "X-User: shopper\nX-App: shop"},
		{"a user without application", "/orders/x", "alice:wonderland", "401 invalid_credential", ""},
		{"a wrong password", "/orders/x", "shopper:s3samf", "401 invalid_credential", ""},
		{"nobody", "/orders/x", "eve:s3same", "401 invalid_credential", ""},
		{"nothing", "/orders/x", "", "401 unidentified", ""},
		{"a user", "/people/", "alice:wonderland", "200", "X-User: alice"},
		{"Argon2", "/people/", "bob:password", "200", "X-User: bob"},
		{"in the clear, from the environment", "/people/", "carol:sesame", "200", "X-User: carol"},
		{"anonymous", "/people/", "", "200", ""},
		{"not as nobody", "/people/", "carol:sesami", "401 invalid_credential", ""},
		{"an admin by name", "/people/admin", "bob:password", "200", "X-User: bob"},
		{"an admin by profile", "/people/admin", "carol:sesame", "200", "X-User: carol"},
		{"no admin", "/people/admin", "alice:wonderland", "403 forbidden", ""},
		{"an anonymous admin", "/people/admin", "", "401 unidentified", ""},
		{"elsewhere", "/elsewhere/", "alice:wonderland", "200", ""},
		{"of another API, where all may call", "/elsewhere/", "shopper:s3same", "200", ""},
		{"no application anywhere", "/elsewhere/", "bob:password", "401 invalid_credential", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := d.do(shows(tt.path, tt.pair))
			status, code, _ := strings.Cut(tt.want, " ")
			if !strings.HasPrefix(answer, "HTTP/1.1 "+status) || !strings.Contains(answer, code) {
				t.Errorf("answer:\n%s", answer)
			}
			if status == "401" && !strings.Contains(answer, "\r\nWww-Authenticate: Basic realm=\"postern\", charset=\"UTF-8\"\r\n") {
				t.Errorf("no challenge for a password:\n%s", answer)
			}
			if status == "200" {
				_, rest, _ := strings.Cut(tt.path[1:], "/")
				want := strings.TrimSpace("GET /" + rest + " HTTP/1.1\n" + tt.forwarded)
				if diff := cmp.Diff(want, seen(u)); diff != "" {
					t.Errorf("forwarded (-want +got):\n%s", diff)
				}
			}
		})
	}
	want := strings.Join([]string{
		"HTTP/1.1 401 Unauthorized", "Content-Type: application/problem+json", "Content-Length: 170", "Cache-Control: no-store", "X-Request-Id: r1",
		`Www-Authenticate: Basic realm="postern", charset="UTF-8"`, "",
		`{"type":"urn:postern:problem:invalid_credential","title":"The credential is not acceptable","status":401,"instance":"urn:postern:request:r1","code":"invalid_credential"}` + "\n",
	}, "\r\n")
	for _, pair := range []string{"eve:x", "shopper:x"} {
		if diff := cmp.Diff(want, steady(d.do(shows("/orders/x", pair)))); diff != "" {
			t.Errorf("whole answer to %s (-want +got):\n%s", pair, diff)
		}
	}
}

// A password that changes is good, and the one before is not, as soon as the
// configuration is at work; one that does not is still known.
func TestPasswordsOverAReload(t *testing.T) {
	u := newTarget(t, always(ok))
	shopper := kept(t, "s3same")
	d := deploy(t, t.TempDir(), basicAPIs(u.address, kept(t, "wonderland"), shopper), "CAROL=sesame")
	for range 2 {
		wantStatus(t, d.do(shows("/people/", "alice:wonderland")), 200)
		wantStatus(t, d.do(shows("/orders/", "shopper:s3same")), 200)
	}
	cached := `postern_passwords_total{outcome="cached"}`
	if got := d.metric(cached); got != "2" {
		t.Errorf("%s is %s", cached, got)
	}
	d.applied(func() { d.write("postern.yaml", basicAPIs(u.address, kept(t, "looking glass"), shopper)) })
	wantStatus(t, d.do(shows("/people/", "alice:wonderland")), 401)
	wantStatus(t, d.do(shows("/people/", "alice:looking glass")), 200)
	wantStatus(t, d.do(shows("/orders/", "shopper:s3same")), 200)
	if got := d.metric(cached); got != "3" {
		t.Errorf("%s is %s after the reload", cached, got)
	}
}
