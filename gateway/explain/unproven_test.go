package explain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/gateway/explain"
	"postern/provisioning"
)

const unproven = `ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
applications:
- {name: acme, apis: [orders], identify: {payload: [{json_path: "$.partner", equals: acme}]}}
- {name: build, apis: [orders], identify: {hostname: [build.example.com]}}
apis:
- name: orders
  upstream: {targets: [{url: "http://orders:8080"}]}
  policies: {identify: {by: [hostname, payload]}}
`

func TestExplainUnproven(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"the body decides", `{"partner":"acme"}`, `by payload, application "acme"`},
		{"nobody asks the DNS", `{"partner":"other"}`, "host names cannot be looked up: nobody is asked in a rehearsal"},
		{"no body", "", "answer: 401 unidentified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file, body := filepath.Join(dir, "postern.yaml"), filepath.Join(dir, "body")
			for name, text := range map[string]string{file: unproven, body: tt.body} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := explain.Command{Flags: provisioning.Flags{Config: []string{file}}, API: "orders", Method: "POST", Path: "/", From: "192.0.2.1", Data: body}
			out, err := run(t, c)
			if !strings.Contains(out, tt.want) || (err == nil) != (tt.name == "the body decides") {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}
