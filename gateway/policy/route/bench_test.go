package route_test

import (
	"testing"

	"postern/provisioning/config"
)

// benches are ways of routing that read no body.
func benches(t testing.TB) map[string]func() {
	t.Helper()
	all := map[string]func(){}
	for name, one := range map[string]config.RouteCondition{
		"header":  {Header: &config.FieldRule{Name: "X-Canary", Equals: text("1")}},
		"query":   {Query: &config.FieldRule{Name: "q", Equals: text("a b")}},
		"claim":   {Claim: &config.ClaimRule{Name: "tenant", Equals: text("acme")}},
		"address": {Address: addresses(t, "10.60.0.1-10.60.0.10")},
		"date":    {Date: &config.DateRule{Before: "2026-01-01"}},
		"share":   {Share: &config.Share{Part: 1, By: "header:X-Canary"}},
	} {
		x := request(t, "/x?q=a+b", "X-Canary: 1")
		h := policy(t, taken{}, config.RouteRule{
			Name: "r", When: &config.RouteWhen{All: []config.RouteCondition{one}}, Upstream: new(config.Upstream), Path: "drop", Method: "PUT",
		})(forwarded)
		all[name] = func() {
			if err := h(x); err != nil || x.Upstream != "r" {
				t.Fatalf("%v, sent to %q", err, x.Upstream)
			}
		}
	}
	return all
}

func BenchmarkRoute(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
