package explain_test

import (
	"strings"
	"testing"

	"postern/gateway/explain"
)

// Each level that identifies is told with its own place, and no key is shown.
func TestExplainWays(t *testing.T) {
	s := newSigner(t)
	text := settings + `- name: keyed
  upstream: {targets: [{url: "http://keyed:8080"}]}
  resources: [{path: /a}, {path: /b, scopes: [staff]}]
  scopes:
  - {name: staff, policies: {identify: {by: [jwt], auth_servers: [corp], applications: none}}}
  policies: {identify: {by: [api_key], api_key: {header: X-Key, query: key}}}
applications:
- {name: shop, apis: [keyed], identify: {api_keys: [s3cr3t-marker], ip: [192.0.2.7]}}
policies:
- {name: inside, when: {apis: [keyed]}, policies: {identify: {by: [ip]}}}
`
	file := folder(t, s, text) + "/postern.yaml"
	const marker, office = "s3cr3t-marker", "192.0.2.7"
	for _, tt := range []struct {
		name    string
		command explain.Command
		want    []string // in this order
	}{
		{
			"all levels",
			explain.Command{API: "keyed", Path: "/b", From: office, Header: []string{"X-Key: " + marker}, Token: s.token(t, nil)},
			[]string{"identify", "passes", `by ip, application "shop"`, ":42:62", "identify", "passes", `by ip, application "shop"`, ":38:24", "identify", "passes", `by ip, subject "alice"`, ":37:40", "would be forwarded"},
		},
		{
			"not the first",
			explain.Command{API: "keyed", Path: "/a", From: "192.0.2.8", Header: []string{"X-Key: " + marker}},
			[]string{"identify", "REFUSES", ":42:62", "answer: 401 unidentified\n", `challenge: Postern realm="postern"`, "hint: "},
		},
		{
			"not the second",
			explain.Command{API: "keyed", Path: "/a?key=x" + marker, From: office},
			[]string{"GET /gateway/keyed/a?key=*** HTTP/1.1", "identify", "passes", ":42:62", "identify", "REFUSES", "api_key: no application is known by it", ":38:24", "answer: 401 invalid_credential\n", `challenge: ApiKey realm="postern"`},
		},
		{
			"not the scope's",
			explain.Command{API: "keyed", Path: "/b", From: office, Header: []string{"x-key: " + marker}},
			[]string{"identify", "passes", "identify", "passes", "identify", "REFUSES", ":37:40", "answer: 401 token_missing\n"},
		},
		{
			"a key of an open API", explain.Command{API: "open/3", Path: "/a", From: office, Header: []string{"X-Key: " + marker}}, []string{"X-Key: ***"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.command.Config, tt.command.Method = []string{file}, "GET"
			out, _ := run(t, tt.command)
			if strings.Contains(out, marker) {
				t.Errorf("shows the key:\n%s", out)
			}
			rest := out
			for _, want := range tt.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("no %q in the rest of\n%s", want, out)
				}
				rest = after
			}
		})
	}
}
