package provisioning_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// BenchmarkLoad loads a bundle of 10,000 APIs, as large as one gateway gets.
func BenchmarkLoad(b *testing.B) {
	b.Chdir(b.TempDir())
	var text strings.Builder
	text.WriteString(server("idp") + "apis:\n")
	for i := range 10000 {
		fmt.Fprintf(&text, `- name: api-%d
  version: "1.0"
  upstream: {targets: [{url: "http://orders-%d:8080"}], timeout: 30s}
  resources:
  - {path: /orders, methods: [GET, POST]}
  - {path: "/orders/{id}", methods: [GET, DELETE], scopes: [admin]}
  scopes:
  - {name: admin, policies: {authorize: {token_scopes: {all: ["orders:write"]}}}}
  policies:
    identify: {by: [jwt], applications: none}
`, i, i)
	}
	if err := os.WriteFile("large.yaml", []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := load(nil, "large.yaml"); err != nil {
			b.Fatal(err)
		}
	}
}
