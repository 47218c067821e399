package explain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/gateway/explain"
)

// A body that cannot be masked is told of.
func TestExplainMask(t *testing.T) {
	dir := folder(t, newSigner(t), `apis:
- name: orders
  upstream: {targets: [{url: "http://orders:8080"}]}
  policies:
    identify: none
    mask: {request: [{json_path: $.pin}]}
`)
	for body, wants := range map[string][]string{
		`{"pin":1}`: {"mask   passes"},
		`{"pin":`:   {"mask   REFUSES", "postern.yaml:6:11", "answer: 400 bad_request\n", "mask request: body is malformed: not JSON"},
	} {
		file := filepath.Join(t.TempDir(), "body")
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		c := explain.Command{API: "orders", Path: "/orders", Method: "POST", From: "127.0.0.1", Header: []string{"Content-Type: application/json"}, Data: file}
		c.Config = []string{filepath.Join(dir, "postern.yaml")}
		got, _ := run(t, c)
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("lacks %q:\n%s", want, got)
			}
		}
	}
}
