package explain_test

import (
	"strings"
	"testing"

	"postern/gateway/explain"
)

// Every policy of a chain is a step, in its order.
func TestExplainPolicies(t *testing.T) {
	dir := folder(t, newSigner(t), settings+`- name: guarded
  upstream: {targets: [{url: "http://guarded:8080"}]}
  policies:
    identify: none
    cors: {origins: [https://shop.example]}
    ipfilter: {allow: [192.0.2.0/24]}
    concurrency: {max: 10}
    outbound: none
`)
	for _, tt := range []struct {
		name, method, from string
		fields             []string
		want               []string // in this order
	}{
		{"all pass", "GET", "192.0.2.7", []string{"Origin: https://shop.example"}, []string{"route", "cors", "passes", "ipfilter", "passes", "concurrency", "passes", "outbound", "passes", "would be forwarded"}},
		{"origin", "GET", "192.0.2.7", []string{"Origin: https://evil.example"}, []string{"cors", "REFUSES", "origin is not allowed", "answer: 403 origin_not_allowed"}},
		{"address", "GET", "198.51.100.7", nil, []string{"cors", "passes", "ipfilter", "REFUSES", "address is not allowed", "answer: 403 address_not_allowed"}},
		{"preflight", "OPTIONS", "192.0.2.7", []string{"Origin: https://shop.example", "Access-Control-Request-Method: PUT"}, []string{"cors", "ANSWERS", "nothing is forwarded", "answer: 204"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := explain.Command{API: "guarded", Path: "/x", Method: tt.method, From: tt.from, Header: tt.fields}
			c.Config = []string{dir + "/postern.yaml"}
			out, err := run(t, c)
			rest := out
			for _, want := range tt.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Fatalf("%q is missing (%v):\n%s", want, err, out)
				}
				rest = after
			}
		})
	}
}
