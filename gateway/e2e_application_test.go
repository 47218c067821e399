package gateway

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// partnerKey is the shared key of an application.
const partnerKey = "a-shared-key-of-at-least-32-bytes"

// callers is the YAML of APIs that ask for applications, each in its own way.
func callers(target string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- name: corp
  issuer: https://idp.example.com
  local_introspection: {jwks: keys.json}
  audience: {any: [orders]}
- name: staff
  issuer: https://staff.example.com
  local_introspection: {jwks: keys.json}
  audience: unchecked
  subject: {any: ["a*", bob], user: true}
users: {file: users.yaml}
applications:
- name: shop
  id: 9502c862
  apis: [orders, cookies]
  identify: {claims: [{azp: shop, realm_access.roles: shopper}, {client: 7, admin: true}]}
  jwt: [{auth_server: corp, audience: shop-app}]
- name: other
  apis: [orders/1.0]
  identify: {claims: [{azp: other}]}
- name: late
  apis: [elsewhere]
  identify: {claims: [{azp: late}]}
- name: old
  apis: [orders]
  suspended: true
  identify: {claims: [{azp: old}]}
- name: partner
  apis: [orders]
  jwt: [{issuer: partner, kid: p1, algorithms: [HS256], shared_key: {env: PARTNER_KEY}}]
apis:
- name: orders
  version: "1.0"
  hosts: [api.example.com]
  upstream: &there {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [jwt], auth_servers: [corp], audience_also: [api_uri, application_id], caller_headers: {X-App: application.name, X-App-Id: application.id}}
- name: elsewhere
  upstream: *there
  policies:
    identify: {by: [jwt], auth_servers: [corp], applications: all, caller_headers: {X-App: application.name}}
- name: cookies
  upstream: *there
  policies:
    identify: {by: [jwt], auth_servers: [corp], anonymous: true, token: {header: X-Token, cookie: session, query: access_token}, claim_headers: {X-User: sub}}
- name: people
  upstream: *there
  scopes:
  - {name: managers, policies: {authorize: {groups: {all: [managers]}, token_scopes: {claim: permissions, any: [manage]}}}}
  resources:
  - {path: /, methods: [GET]}
  - {path: /manage, methods: [GET], scopes: [managers]}
  policies:
    identify: {by: [jwt], auth_servers: [staff], applications: none, anonymous: true}
    authorize: {groups: {any: [staff, managers]}}
`, target)
}

// deployCallers runs the gateway of callers, which believes key.
func deployCallers(t *testing.T, key *signer) (*deployment, *target) {
	t.Helper()
	u, dir := newTarget(t, always(ok)), t.TempDir()
	put(t, dir+"/keys.json", setOf(key))
	put(t, dir+"/users.yaml", "- {name: alice, groups: [staff]}\n- {name: bob}\n- {name: anna, groups: [managers]}\n")
	return deploy(t, dir, callers(u.address), "PARTNER_KEY="+partnerKey), u
}

// seen is what the target was asked, without what every request has.
func seen(u *target) string {
	var lines []string
	for line := range strings.Lines(u.next()) {
		line = strings.TrimSpace(line)
		if name, _, _ := strings.Cut(line, ":"); line != "" && name != "Host" && name != "Via" && name != "X-Request-Id" && !strings.HasPrefix(name, "X-Forwarded-") && name != "Traceparent" && name != "traceparent" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestApplicationIsFound(t *testing.T) {
	key := newSigner(t, "k1")
	d, u := deployCallers(t, key)
	corp := func(more map[string]any) string { return key.sign(t, claims("https://idp.example.com", more)) }
	shopper := map[string]any{"azp": "shop", "realm_access": map[string]any{"roles": []string{"user", "shopper"}}}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(shopper)
		maps.Copy(all, more)
		return all
	}
	partner := func(kid, secret string, more map[string]any) string {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims("partner", more))
		token.Header["kid"] = kid
		text, err := token.SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, tt := range []struct {
		name, path, token string
		app, reason       string // of an answer 200, or else 401
	}{
		{"by a nested list", "/orders/1.0/", corp(shopper), "shop", ""},
		{"by a number and a boolean", "/orders/1.0/", corp(map[string]any{"client": 7, "admin": true}), "shop", ""},
		{"by a number and another boolean", "/orders/1.0/", corp(map[string]any{"client": 7, "admin": false}), "", "no application has the token's claims"},
		{"by half a set", "/orders/1.0/", corp(map[string]any{"azp": "shop"}), "", "no application has the token's claims"},
		{"by a version", "/orders/", corp(map[string]any{"azp": "other"}), "other", ""},
		{"two of them", "/orders/1.0/", corp(map[string]any{"azp": "other", "client": 7, "admin": true}), "", "several applications"},
		{"suspended", "/orders/1.0/", corp(map[string]any{"azp": "old"}), "", `the application is suspended: "old"`},
		{"of another API", "/orders/1.0/", corp(map[string]any{"azp": "late"}), "", `not registered for this API: "late"`},
		{"any", "/elsewhere/", corp(map[string]any{"azp": "other"}), "other", ""},
		{"any, but none", "/elsewhere/", corp(nil), "", "no application has the token's claims"},
		{"strategy's audience", "/orders/1.0/", corp(with(map[string]any{"aud": "shop-app"})), "shop", ""},
		{"strategy's audience for another application", "/orders/1.0/", corp(map[string]any{"azp": "other", "aud": "shop-app"}), "", "another audience"},
		{"audience is its id", "/orders/1.0/", corp(with(map[string]any{"aud": "9502c862"})), "shop", ""},
		{"audience is the API's address", "/orders/1.0/", corp(with(map[string]any{"aud": []string{"https://api.example.com/gateway/orders/1.0"}})), "shop", ""},
		{"audience is another address", "/orders/1.0/", corp(with(map[string]any{"aud": []string{"https://api.example.com/gateway/files"}})), "", "another audience"},
		{"key of its own", "/orders/1.0/", partner("p1", partnerKey, nil), "partner", ""},
		{"key of its own, elsewhere", "/cookies/", partner("p1", partnerKey, nil), "", `not registered for this API: "partner"`},
		{"key of its own, with another's claims", "/orders/1.0/", partner("p1", partnerKey, map[string]any{"azp": "other"}), "", `several applications: "partner", whose key it is, and "other"`},
		{"key of its own, another kid", "/orders/1.0/", partner("p2", partnerKey, nil), "", "key is not known"},
		{"another key", "/orders/1.0/", partner("p1", partnerKey+"!", nil), "", "signature is wrong"},
		{"forged, with good claims", "/orders/1.0/", newSigner(t, "k1").sign(t, claims("https://idp.example.com", shopper)), "", "signature is wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(tt.name)
			credential := "Authorization: Bearer "
			if tt.path == "/cookies/" {
				credential = "X-Token: "
			}
			answer := d.do(lines("GET /gateway"+tt.path+" HTTP/1.1", "Host: api.example.com", credential+tt.token, "X-App: root", "X_App: root", "X-Request-Id: "+id))
			line := d.accessLine(id)
			if tt.reason != "" {
				wantStatus(t, answer, 401)
				if reason, _ := line["reason"].(string); !strings.Contains(reason, tt.reason) || line["application"] != "" || line["sub"] != "" {
					t.Errorf("access line %v, want reason %q", line, tt.reason)
				}
				return
			}
			wantStatus(t, answer, 200)
			want := "GET / HTTP/1.1\nX-App: " + tt.app
			if strings.HasPrefix(tt.path, "/orders") {
				want += "\nX-App-Id: " + strings.Replace(tt.app, "shop", "9502c862", 1)
			}
			if diff := cmp.Diff(want, seen(u)); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
			if line["application"] != tt.app || line["sub"] != "alice" {
				t.Errorf("access line %v, want application %q", line, tt.app)
			}
		})
	}
	if len(u.seen) > 0 {
		t.Errorf("the target was asked: %q", u.next())
	}
}

func TestTokenElsewhere(t *testing.T) {
	key := newSigner(t, "k1")
	d, u := deployCallers(t, key)
	token := key.sign(t, claims("https://idp.example.com", map[string]any{"client": 7, "admin": true}))
	twice := strings.NewReplacer(`"status":400,`, `"status":400,"detail":"more than one token is presented (RFC 6750 2)",`, "Content-Length: 149", "Content-Length: 206").Replace(
		refusal("400 Bad Request", "bad_request", "The request is malformed", `Www-Authenticate: Bearer realm="postern", error="invalid_request"`))
	for _, tt := range []struct {
		name, query string
		fields      []string
		target      string // what it is asked, or else
		want        string // the answer
	}{
		{"header", "?a=1", []string{"X-Token: " + token}, "GET /?a=1 HTTP/1.1\nX-User: alice", ""},
		{"cookie", "?a=1", []string{"Cookie: a=1; session=" + token + ";  b=\"2\""}, "GET /?a=1 HTTP/1.1\nCookie: a=1;  b=\"2\"\nX-User: alice", ""},
		{"cookie alone", "", []string{"Cookie: session=" + token}, "GET / HTTP/1.1\nX-User: alice", ""},
		{"query", "?a=%2f&access_token=" + token + "&b", nil, "GET /?a=%2f&b HTTP/1.1\nX-User: alice", ""},
		{"query alone", "?access_token=" + token, nil, "GET / HTTP/1.1\nX-User: alice", ""},
		{"nothing", "?a=1", []string{"Cookie: a=1", "X-User: root"}, "GET /?a=1 HTTP/1.1\nCookie: a=1", ""},
		{"authorization", "", []string{"Authorization: Bearer " + token}, "", tokenMissing},
		{"header and cookie", "", []string{"X-Token: " + token, "Cookie: session=" + token}, "", twice},
		{"header and query", "?access_token=" + token, []string{"X-Token: " + token}, "", twice},
		{"bad cookie", "", []string{"Cookie: session=x"}, "", invalidToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := d.do(lines(append([]string{"GET /gateway/cookies/" + tt.query + " HTTP/1.1", "Host: h", "X-Request-Id: r-1"}, tt.fields...)...))
			if tt.want != "" {
				if diff := cmp.Diff(tt.want, steady(answer)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				return
			}
			wantStatus(t, answer, 200)
			if diff := cmp.Diff(tt.target, seen(u)); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
		})
	}
	if strings.Contains(d.access.String()+d.log.String(), token[:40]) {
		t.Error("the logs hold the token")
	}
}

// Groups come from the users' file, which another hand may change.
func TestUsersAreFollowed(t *testing.T) {
	key := newSigner(t, "k1")
	d, _ := deployCallers(t, key)
	ask := func(sub, path string, more map[string]any) int {
		t.Helper()
		field := "X-Nothing: x"
		if sub != "" {
			all := claims("https://staff.example.com", more)
			all["sub"] = sub
			field = "Authorization: Bearer " + key.sign(t, all)
		}
		return status(d.do(lines("GET /gateway/people"+path+" HTTP/1.1", "Host: h", field)))
	}
	check := func(when string, want map[string]int) {
		t.Helper()
		manage := map[string]any{"permissions": "read manage"}
		for who, code := range want {
			sub, path, _ := strings.Cut(who, " ")
			if got := ask(sub, path, manage); got != code {
				t.Errorf("%s: %s is answered %d, want %d", when, who, got, code)
			}
		}
	}
	check("at first", map[string]int{"alice /": 200, "alice /manage": 403, "bob /": 403, "anna /manage": 200, "carol /": 401, "mallory /": 401, " /": 401, " /manage": 401})
	if got := ask("anna", "/manage", map[string]any{"permissions": []string{"read"}}); got != 403 {
		t.Errorf("without the permission: %d", got)
	}
	d.applied(func() { d.write("users.yaml", "- {name: alice, groups: [managers]}\n- {name: bob, groups: [staff]}\n") })
	check("after a change", map[string]int{"alice /manage": 200, "bob /": 200, "bob /manage": 403, "anna /": 401})
	d.refused(func() { d.write("users.yaml", "- {nam: alice}\n") })
	check("after a broken change", map[string]int{"alice /manage": 200, "bob /": 200})
	if report := d.reloader.Last().Err.Error(); !strings.Contains(report, "users.yaml:1:4: users[0].nam: unknown field \"nam\"; did you mean \"name\"?") {
		t.Errorf("report %q", report)
	}
}

// What is changed of an application acts on tokens that are in the cache.
func TestApplicationsAreFollowed(t *testing.T) {
	key := newSigner(t, "k1")
	d, _ := deployCallers(t, key)
	before, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	token := key.sign(t, claims("https://idp.example.com", map[string]any{"azp": "other"}))
	p := dial(t, d.http)
	request := lines("GET /gateway/orders/1.0/ HTTP/1.1", "Host: api.example.com", "Authorization: Bearer "+token)
	wantStatus(t, p.do(request), 200)
	for name, change := range map[string]*strings.Replacer{
		"suspended":           strings.NewReplacer("- name: other\n", "- name: other\n  suspended: true\n"),
		"claims":              strings.NewReplacer("{azp: other}", "{azp: another}"),
		"registration":        strings.NewReplacer("apis: [orders/1.0]", "apis: [elsewhere]"),
		"strategy":            strings.NewReplacer("{claims: [{azp: other}]}", "{claims: [{azp: other}]}\n  jwt: [{auth_server: staff}]"),
		"another with claims": strings.NewReplacer("apis: [elsewhere]", "apis: [orders]", "{azp: late}", "{sub: alice}"),
	} {
		t.Run(name, func(t *testing.T) {
			d.applied(func() { d.write("postern.yaml", change.Replace(string(before))) })
			wantStatus(t, p.do(request), 401)
			d.applied(func() { d.write("postern.yaml", string(before)) })
			wantStatus(t, p.do(request), 200)
		})
	}
}
