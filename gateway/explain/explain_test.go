package explain_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/explain"
)

const settings = `ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- name: corp
  issuer: https://idp.example.com
  local_introspection: {jwks: keys.json}
  audience: {any: [orders]}
- name: away
  issuer: https://away.example.com
  local_introspection: {jwks_uri: "https://away.example.com/keys"}
  remote_introspection: {endpoint: "https://away.example.com/i", client_id: edge, client_secret: x}
  audience: {any: [orders]}
apis:
- name: orders
  version: "1.0"
  hosts: ["*.example.com"]
  upstream: {targets: [{url: "http://orders:8080/shop"}]}
  resources:
  - {path: "/orders/{id}", methods: [GET, DELETE]}
  - {path: /bound, methods: [GET]}
  policies:
    protocols: [https]
    identify: {by: [jwt, opaque], auth_servers: [corp, away], applications: none, claim_headers: {X-User: sub}}
    authorize: {token_scopes: {any: ["orders:read"]}}
- name: open
  version: "2"
  upstream: {targets: [{url: "http://open:8080"}]}
  policies: {identify: none}
- name: open
  version: "3"
  upstream: {targets: [{url: "http://open:8080"}]}
  policies: {identify: none}
`

// folder has the settings and the keys of a signer.
func folder(t testing.TB, s *signer, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"postern.yaml": text, "keys.json": s.set()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run explains, and returns what is printed.
func run(t testing.TB, c explain.Command) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := c.Run(&out, strings.NewReader(""))
	return out.String(), err
}

func TestExplain(t *testing.T) {
	s := newSigner(t)
	dir := folder(t, s, settings)
	file := filepath.Join(dir, "postern.yaml")
	good := s.token(t, map[string]any{"scope": "orders:read"})
	stranger := newSigner(t).token(t, map[string]any{"iss": "https://away.example.com"})
	for _, tt := range []struct {
		name    string
		command explain.Command
		want    []string // in this order
		not     string
		err     string
	}{
		{
			"passes",
			explain.Command{API: "orders", Path: "/orders/7?x=1", Token: good, HTTPS: true, Header: []string{"X-User: evil", "Accept: a"}},
			[]string{
				"GET /gateway/orders/1.0/orders/7?x=1 HTTP/1.1\n",
				"route ", "passes", "orders/1.0", file + ":19:5",
				"protocols", "passes", file + ":22:16", "identify", "passes", `subject "alice", issuer https://idp.example.com, scopes orders:read`, file + ":23:15",
				"authorize", "passes", file + ":24:16",
				"would be forwarded as\n    GET /shop/orders/7?x=1 HTTP/1.1\n    Host: orders:8080\n", "    X-Forwarded-Proto: https\n", "    Accept: a\n", "    X-User: alice\n",
			},
			"REFUSES", "",
		},
		{
			"what is for the terminal",
			explain.Command{API: "orders", Path: "/orders/7", Token: s.token(t, map[string]any{"scope": "orders:read \x1b[2J"}), HTTPS: true},
			[]string{"scopes orders:read \uFFFD[2J"},
			"\x1b", "",
		},
		{
			"protocol",
			explain.Command{API: "orders", Path: "/orders/7", Token: good},
			[]string{"protocols", "REFUSES", file + ":22:16", "answer: 403 protocol_not_allowed\n"},
			"identify", "the request would not be forwarded",
		},
		{
			"scope",
			explain.Command{API: "orders", Path: "/orders/7", Token: s.token(t, nil), HTTPS: true},
			[]string{"identify", "passes", "authorize", "REFUSES", "token lacks a scope", file + ":24:16", "answer: 403 insufficient_scope\n", `scope="orders:read"`},
			"forwarded as", "the request would not be forwarded",
		},
		{
			"signature",
			explain.Command{API: "orders", Path: "/orders/7", Token: good[:len(good)-8] + "AAAAAAAA", HTTPS: true},
			[]string{"identify", "REFUSES", "token's signature is wrong", file + ":23:15", "answer: 401 invalid_token\n", "reason, in the log only: token's signature is wrong"},
			"authorize", "the request would not be forwarded",
		},
		{
			"no token",
			explain.Command{API: "orders", Path: "/orders/7", HTTPS: true},
			[]string{"answer: 401 token_missing\n", "hint: no token was given: --token-file\n"},
			"", "the request would not be forwarded",
		},
		{
			"keys that would be fetched",
			explain.Command{API: "orders", Path: "/orders/7", Token: stranger, HTTPS: true},
			[]string{"identify", "REFUSES", "no usable key set", "answer: 503 keys_unavailable\n", "hint: the keys of this issuer are fetched"},
			"", "the request would not be forwarded",
		},
		{
			"auth server that would be asked",
			explain.Command{API: "orders", Path: "/orders/7", Token: "opaque", HTTPS: true},
			[]string{"nothing is fetched in a rehearsal", "answer: 503 introspection_unavailable\n", "hint: an auth server would be asked"},
			"", "the request would not be forwarded",
		},
		{"no route", explain.Command{Path: "/nowhere"}, []string{"route", "REFUSES", "no API or resource has this host and path", "answer: 404 not_found\n"}, "", "the request would not be forwarded"},
		{"no method", explain.Command{API: "orders", Path: "/orders/7", Method: "POST"}, []string{"route", "REFUSES", "does not have this method", "answer: 405"}, "", "the request would not be forwarded"},
		{"no path", explain.Command{API: "open/2", Path: "/a/../b"}, []string{"route", "REFUSES", "answer: 400 bad_path\n"}, "", "the request would not be forwarded"},
		{"open", explain.Command{API: "open/2", Path: "x", From: "192.0.2.7"}, []string{"GET /gateway/open/2/x HTTP/1.1\n", "route", "passes", "X-Forwarded-For: 192.0.2.7\n"}, "identify", ""},

		{"unknown API", explain.Command{API: "order"}, nil, "", `there is no API "order"; did you mean "orders"?`},
		{"several versions", explain.Command{API: "open"}, nil, "", `API "open" has several versions: say which, as in open/2`},
		{"header", explain.Command{Header: []string{"a\r\nb: c"}}, nil, "", "is not of the form 'Name: value'"},
		{"keys of nobody", explain.Command{JWKS: []string{"nobody=keys.json"}}, nil, "", `--jwks: there is no auth server "nobody"`},
		{"keys that are not there", explain.Command{JWKS: []string{"away=nowhere.json"}}, nil, "", "--jwks: open"},
		{"token file", explain.Command{TokenFile: "nowhere"}, nil, "", "read token: open nowhere"},
		{"address", explain.Command{From: "here"}, nil, "", "--from: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.command
			c.Config = []string{file}
			if c.From == "" {
				c.From = "127.0.0.1"
			}
			if c.Method == "" {
				c.Method = "GET"
			}
			out, err := run(t, c)
			if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			rest := out
			for _, want := range tt.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("no %q in the rest of\n%s", want, out)
				}
				rest = after
			}
			if tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%q in\n%s", tt.not, out)
			}
			if tt.command.Token != "" && strings.Contains(out+fmt.Sprint(err), tt.command.Token) {
				t.Errorf("the token is printed:\n%s", out)
			}
		})
	}
}

// TestKeysAndCertificates: files stand for what is not here.
func TestKeysAndCertificates(t *testing.T) {
	s, away := newSigner(t), newSigner(t)
	dir := folder(t, s, settings)
	der := selfSigned(t)
	token := away.token(t, map[string]any{"iss": "https://away.example.com", "scope": "orders:read", "cnf": map[string]any{"x5t#S256": sum64(der)}})
	for name, text := range map[string]string{
		"away.json": away.set(), "token": token + "\n",
		"cert.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	c := explain.Command{API: "orders/1.0", Method: "GET", Path: "/bound", From: "::1", TokenFile: "token", JWKS: []string{"away=away.json"}, Cert: "cert.pem", JSON: true}
	out, err := run(t, c)
	var got struct {
		Forwarded bool
		Steps     []struct{ Name, Place string }
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || !got.Forwarded {
		t.Fatalf("%v: %s", err, out)
	}
	var names []string
	for _, step := range got.Steps {
		names = append(names, step.Name)
	}
	if diff := cmp.Diff([]string{"route", "protocols", "identify", "authorize"}, names); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	c.Cert, c.HTTPS = "", true
	if out, err := run(t, c); err == nil || !strings.Contains(out, "another certificate than the caller has shown") {
		t.Errorf("without the certificate: %v: %s", err, out)
	}
}

// How a refusal will be worded is a step of its own, with its place.
func TestExplainFaults(t *testing.T) {
	dir := folder(t, newSigner(t), `faults: {format: webmethods}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://orders:8080"}]}
  policies:
    identify: none
    protocols: [https]
    faults: {rules: [{when: {status: [403]}, answer: {status: 404, body: "{}"}}]}
`)
	c := explain.Command{API: "orders", Path: "/x", Method: "GET", From: "127.0.0.1"}
	c.Config = []string{filepath.Join(dir, "postern.yaml")}
	got, err := run(t, c)
	place := strings.Index(got, "faults     passes")
	if err == nil || place < 0 || !strings.Contains(got[place:], "postern.yaml:9:13") || !strings.HasSuffix(got, "answer: 404 protocol_not_allowed\n") {
		t.Errorf("%v, %s", err, got)
	}
}

// Each limit is a step of its own, before or after identification.
func TestExplainThrottle(t *testing.T) {
	s := newSigner(t)
	dir := folder(t, s, `auth_servers:
- {name: corp, issuer: https://idp.example.com, local_introspection: {jwks: keys.json}, audience: {any: [orders]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://orders:8080"}]}
  policies:
    identify: {by: [jwt], applications: none}
    throttle:
    - {requests: 5, per: 1m}
    - {requests: 5, per: 1m, by: ip}
`)
	c := explain.Command{API: "orders", Path: "/x", Method: "GET", From: "127.0.0.1", TokenFile: filepath.Join(dir, "token")}
	c.Config = []string{filepath.Join(dir, "postern.yaml")}
	if err := os.WriteFile(c.TokenFile, []byte(s.token(t, nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := run(t, c)
	if err != nil {
		t.Fatal(err, got)
	}
	var steps []string
	for _, line := range strings.Split(got, "\n")[1:5] {
		words := strings.Fields(line)
		steps = append(steps, words[0]+" "+strings.TrimPrefix(words[len(words)-1], c.Config[0]))
	}
	if diff := cmp.Diff([]string{"route :4:3", "throttle :10:7", "identify :7:15", "throttle :9:7"}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s\n%s", diff, got)
	}
}
