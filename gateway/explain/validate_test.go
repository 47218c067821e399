package explain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/gateway/explain"
)

// All that is wrong with a request is shown.
func TestExplainValidate(t *testing.T) {
	dir := folder(t, newSigner(t), `apis:
- name: orders
  definition: {file: orders.yaml}
  upstream: {targets: [{url: "http://orders:8080"}]}
  policies:
    identify: none
    validate: {request: {schema: true, query: true}}
`)
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("orders.yaml", `openapi: 3.1.0
paths:
  /orders:
    post:
      parameters: [{name: dry, in: query, schema: {type: boolean}}]
      requestBody: {content: {application/json: {schema: {required: [item], properties: {qty: {type: integer}}}}}}
      responses: {default: {}}
`)
	c := explain.Command{API: "orders", Path: "/orders?dry=1", Method: "POST", From: "127.0.0.1", Header: []string{"Content-Type: application/json"}, Data: write("body", `{"qty":"two"}`)}
	c.Config = []string{filepath.Join(dir, "postern.yaml")}
	got, err := run(t, c)
	if err == nil {
		t.Error("passes")
	}
	for _, want := range []string{
		"validate  REFUSES", c.Config[0] + ":7:15", "answer: 400 request_invalid\n",
		"  query /dry: must be boolean\n  body /item: is missing\n  body /qty: must be integer\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}
