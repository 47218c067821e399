package cors_test

import (
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/policy/cors"
	"postern/provisioning/config"
)

// benches are the requests there are.
func benches(t testing.TB) map[string]func() {
	t.Helper()
	cfg := config.CORS{
		Origins: append(named("https://shop.example.com", "https://*.example.org"), config.Origin{Pattern: `https://[a-z]+\.example\.net`}),
		Headers: []string{"Authorization"}, Credentials: true, MaxAge: config.Duration(600e9),
	}
	policy, err := cors.New(&cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := policy(func(x *exchange.Exchange) error { x.Answer.Status = 200; return nil })
	all := map[string]func(){}
	for name, head := range map[string]string{
		"none":      "GET|Accept: a",
		"exact":     "GET|Origin: https://shop.example.com",
		"wildcard":  "GET|Origin: https://a.b.example.org",
		"pattern":   "GET|Origin: https://abc.example.net",
		"refused":   "GET|Origin: https://evil.example",
		"preflight": "OPTIONS|Origin: https://shop.example.com|Access-Control-Request-Method: PUT|Access-Control-Request-Headers: authorization",
	} {
		x := request(t, head)
		all[name] = func() {
			x.Fields.Reset()
			x.Answer.Status = 0
			_ = handler(x)
		}
	}
	return all
}

func BenchmarkCORS(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
