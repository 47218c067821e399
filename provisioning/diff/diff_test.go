package diff_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/provisioning"
	"postern/provisioning/config"
	"postern/provisioning/diff"
)

const before = `tokens: {clock_skew: 30s}
auth_servers:
- name: corp
  issuer: https://idp.example.com
  local_introspection: {jwks_uri: "https://idp.example.com/keys", algorithms: [RS256], required_claims: [sub]}
  audience: {any: [orders]}
  subject: {user: true}
applications:
- {name: shop, apis: [orders], identify: {claims: [{azp: shop}]}}
policies:
- name: all
  when: {apis: ["*"]}
  policies: {ipfilter: {allow: [192.0.2.0/24]}}
apis:
- name: orders
  upstream: {targets: [{url: "https://orders:8443"}]}
  resources:
  - {path: /orders, methods: [GET], scopes: [own]}
  - {path: /mine, methods: [GET], scopes: [own]}
  scopes:
  - {name: own, policies: {authorize: {claims: [{name: owner, one_of: [a, b]}]}}}
  policies:
    protocols: [https]
    identify: {by: [jwt, certificate], combine: and, sender_constrained: [mtls]}
    authorize: {token_scopes: {all: [read, write]}, users: {any: [alice]}}
    throttle: [{name: all, requests: 10, per: 1m}]
    concurrency: {max: 10}
    mask: {response: [{json_path: "$.card"}, {json_path: "$.pin"}]}
ports: {http: "127.0.0.1:0", https: "127.0.0.1:0"}
tls: {certificates: [{certificate: tls.pem, key: tls.key}], client_ca: tls.pem}
logging: {mask: [code]}
users: [{name: alice, password: secret}]
`

// TestWeaker: one row for each protection, and for changes that lose none.
func TestWeaker(t *testing.T) {
	for _, tt := range []struct{ name, old, now, path, want string }{
		{"anonymous", "combine: and,", "combine: and, anonymous: true,", "apis[orders].policies.identify.anonymous", "who shows nothing passes"},
		{"one way is enough", "combine: and", "combine: or", "apis[orders].policies.identify.combine", "is enough"},
		{"one of two ways", "[jwt, certificate], combine: and, sender_constrained: [mtls]", "[jwt], combine: and", "apis[orders].policies.identify.by", "need not show certificate"},
		{"applications", "combine: and,", "combine: and, applications: none,", "apis[orders].policies.identify.applications", "need not be registered"},
		{"bound tokens", ", sender_constrained: [mtls]", "", "apis[orders].policies.identify.sender_constrained", "need not be bound by mtls"},
		{"no audience", "audience: {any: [orders]}", "audience: unchecked", "auth_servers[corp].audience", "for anybody"},
		{"another audience", "{any: [orders]}", "{any: [orders, invoices]}", "auth_servers[corp].audience.any", "for invoices"},
		{"audience optional", "{any: [orders]}", "{any: [orders], required: false}", "auth_servers[corp].audience.required", "without an audience"},
		{"algorithm", "[RS256]", "[RS256, PS256]", "auth_servers[corp].local_introspection.algorithms", "PS256 is believed"},
		{"claim", ", required_claims: [sub]", "", "auth_servers[corp].local_introspection.required_claims", "sub need not be there"},
		{"skew", "clock_skew: 30s", "clock_skew: 5m", "auth_servers[corp].local_introspection.clock_skew", "for longer"},
		{"wider scope", "[read, write]", "[read]", "apis[orders].policies.authorize.token_scopes.all", "scope write is not asked"},
		{"no scope", "token_scopes: {all: [read, write]}, ", "", "apis[orders].policies.authorize.token_scopes", "scope read is not asked"},
		{"no rule", "    authorize: {token_scopes: {all: [read, write]}, users: {any: [alice]}}\n", "", "apis[orders].policies.authorize", "may do everything"},
		{"claim rule", "[a, b]", "[a, b, c]", "apis[orders].scopes[own].policies.authorize.claims", "claim owner"},
		{"scope of a resource", ", scopes: [own]}", "}", "apis[orders].resources[/orders].scopes", "policies of own do not hold"},
		{"method", "methods: [GET]", "methods: [GET, POST]", "apis[orders].resources[/orders].methods", "POST is there"},
		{"every method", ", methods: [GET]", "", "apis[orders].resources[/orders].methods", "every method"},
		{"resource", "  scopes:\n  - {name", "  - {path: /all}\n  scopes:\n  - {name", "apis[orders].resources[/all]", "can be called"},
		{"http in", "[https]", "[https, http]", "apis[orders].policies.protocols", "over http"},
		{"http out", "https://orders:8443", "http://orders:8080", "apis[orders].upstream.targets", "over http"},
		{"limit", "    throttle: [{name: all, requests: 10, per: 1m}]\n", "", "apis[orders].policies.throttle[all]", "without this limit"},
		{"higher limit", "requests: 10", "requests: 11", "apis[orders].policies.throttle[all].requests", "more requests"},
		{"shorter window", "per: 1m", "per: 30s", "apis[orders].policies.throttle[all].per", "sooner"},
		{"concurrency", "{max: 10}", "{max: 20}", "apis[orders].policies.concurrency.max", "at once"},
		{"mask", `, {json_path: "$.pin"}`, "", "apis[orders].policies.mask.response", "$.pin of answers"},
		{"filter", "192.0.2.0/24", "0.0.0.0/0", "policies[all].policies.ipfilter.allow", "0.0.0.0-255.255.255.255 may call"},
		{"global policy elsewhere", `when: {apis: ["*"]}`, "when: {apis: [others]}", "policies[all].policies.ipfilter", "no longer holds for orders"},
		{"global policy for less", `when: {apis: ["*"]}`, "when: {methods: [GET]}", "policies[all].policies.ipfilter", "no longer holds for orders"},
		{"query in the log", "logging: {mask: [code]}\n", "", "logging.mask", "code of the query"},

		{"stricter scope", "[read, write]", "[read, write, admin]", "apis[orders].policies.authorize.token_scopes.all", ""},
		{"shorter skew", "clock_skew: 30s", "clock_skew: 5s", "tokens.clock_skew", ""},
		{"another address", "https://orders:8443", "https://orders:9443", "apis[orders].upstream.targets", ""},
		{"another value", "[a, b]", "[a]", "apis[orders].scopes[own].policies.authorize.claims", ""},
		{"lower limit", "requests: 10", "requests: 9", "apis[orders].policies.throttle[all].requests", ""},
		{"password", "password: secret", "password: other", "users[alice].password", ""},
		{"more to mask", `{json_path: "$.pin"}`, `{json_path: "$.pin"}, {json_path: "$.iban"}`, "apis[orders].policies.mask.response", ""},
		{"application", "name: shop", "name: store", "applications[store]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(before, tt.old) {
				t.Fatalf("%q is not there", tt.old)
			}
			text, found := "", false
			for _, c := range diff.Of(load(t, before), load(t, strings.Replace(before, tt.old, tt.now, 1))) {
				text += c.Path + ": " + c.Weaker + "\n"
				switch {
				case c.Path == tt.path && c.Weaker != "" == (tt.want != "") && strings.Contains(c.Weaker, tt.want):
					found = true
				case tt.want == "" && c.Weaker != "":
					t.Errorf("%s alarms: %s", c.Path, c.Weaker)
				}
			}
			if !found {
				t.Errorf("changes are\n%swant %s: %q", text, tt.path, tt.want)
			}
		})
	}
}

// TestMoves: what stands around an API holds for it.
func TestMoves(t *testing.T) {
	moved := strings.Replace(before, "    concurrency: {max: 10}\n", "", 1)
	moved = strings.Replace(moved, "policies: {ipfilter", "policies: {concurrency: {max: 10}, ipfilter", 1)
	for _, c := range diff.Of(load(t, before), load(t, moved)) {
		if c.Weaker != "" {
			t.Errorf("%s alarms: %s", c.Path, c.Weaker)
		}
	}
	if changes := diff.Of(load(t, before), load(t, before)); len(changes) > 0 {
		t.Errorf("of nothing: %v", changes)
	}
	// What holds for some methods only is not the same.
	some := strings.Replace(moved, `when: {apis: ["*"]}`, "when: {methods: [POST]}", 1)
	why := ""
	for _, c := range diff.Of(load(t, before), load(t, some)) {
		if c.Path == "apis[orders].policies.concurrency" {
			why = c.Weaker
		}
	}
	if diff := cmp.Diff("any number of requests at once", why); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNobody: an API that identified its callers lets everybody in.
func TestNobody(t *testing.T) {
	const open = "apis: [{name: a, upstream: {targets: [{url: \"http://a:1\"}]}, policies: {identify: none}}]\nusers: [{name: u, password: p}]\nadmin_api: {user: a, password: b}\n"
	guarded := strings.Replace(open, "identify: none", "identify: {by: [basic], applications: none}", 1)
	changes := diff.Of(load(t, guarded), load(t, open))
	if len(changes) != 1 || changes[0].Weaker != "nobody is identified: everybody may call" {
		t.Errorf("changes are %v", changes)
	}
	if changes := diff.Of(load(t, open), load(t, guarded)); len(changes) != 1 || changes[0].Weaker != "" {
		t.Errorf("the other way round: %v", changes)
	}
	unguarded := strings.Replace(open, "admin_api: {user: a, password: b}", "admin_api: {debug: true}", 1)
	var lost []string
	for _, c := range diff.Of(load(t, open), load(t, unguarded)) {
		lost = append(lost, c.Path+": "+c.Weaker)
	}
	want := []string{"admin_api.debug: profiles can be read", "admin_api.password: the operator's listener asks for no password", "admin_api.user: "}
	if diff := cmp.Diff(want, lost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOverHTTP: whatever may go over http all at once.
func TestOverHTTP(t *testing.T) {
	const sink = "destinations: [{name: es, elasticsearch: {url: \"https://es:9200\", index: events}}]\n"
	open := strings.Replace(sink, "https://es:9200\"", "http://es:9200\", allow_http: true", 1)
	why := map[string]string{}
	for _, c := range diff.Of(load(t, before+sink), load(t, before+open)) {
		why[c.Path] = c.Weaker
	}
	if got := why["destinations[es].elasticsearch.allow_http"]; got != "it may go over http" {
		t.Errorf("changes are %v", why)
	}
}

// TestSecretsAreCompared but not told.
func TestSecretsAreCompared(t *testing.T) {
	changes := diff.Of(load(t, before), load(t, strings.Replace(before, "password: secret", "password: marker", 1)))
	if len(changes) != 1 || changes[0].Path != "users[alice].password" {
		t.Fatalf("changes are %v", changes)
	}
	for _, side := range []any{changes[0].Before, changes[0].After} {
		if text, _ := side.(string); !strings.HasPrefix(text, "*** ") || strings.Contains(text, "marker") || strings.Contains(text, "secret") {
			t.Errorf("shown as %q", text)
		}
	}
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"postern.yaml": text, "tls.pem": "cert", "tls.key": "key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{filepath.Join(dir, "postern.yaml")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Config
}
