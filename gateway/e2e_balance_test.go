package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// Equal keys reach the same target, and many keys reach all.
func TestEqualKeysReachTheSameTarget(t *testing.T) {
	key := newSigner(t, "k1")
	i := openIssuer(t, key)
	as := func(sub string) string {
		return "Authorization: Bearer " + key.sign(t, claims(i.URL, map[string]any{"sub": sub})) + "\r\n"
	}
	alice := as("alice")
	for by, line := range map[string]func(n int) string{
		"header:X-Tenant": func(n int) string { return alice + fmt.Sprintf("X-Tenant: %d\r\n", n) },
		"header:X-User":   func(n int) string { return as(fmt.Sprint("user-", n)) }, // of claim_headers
		"cookie:sid":      func(n int) string { return alice + fmt.Sprintf("Cookie: a=b; sid=%d\r\n", n) },
		"ip":              func(n int) string { return alice + fmt.Sprintf("X-Forwarded-For: 192.0.2.%d\r\n", n) },
		"claim:sub":       func(n int) string { return as(fmt.Sprint("user-", n)) },
	} {
		t.Run(by, func(t *testing.T) {
			who := func(name string) string {
				return newTarget(t, always("HTTP/1.1 200 OK\r\nX-Target: "+name+"\r\nContent-Length: 0\r\n\r\n")).address
			}
			text := orders(who("a"), i.URL, "jwks_uri: \""+i.URL+"/keys\"") + "trusted_proxies: [127.0.0.1]\n"
			text = strings.Replace(text, `}]}`, fmt.Sprintf(`}, {url: "http://%s/shop"}, {url: "http://%s/shop"}], balance: {hash: {by: %q}}}`, who("b"), who("c"), by), 1)
			d := deploy(t, t.TempDir(), text)
			p := dial(t, d.http)
			reached := map[string]int{}
			for n := range 30 {
				request := "GET /gateway/orders/1.0/orders HTTP/1.1\r\nHost: h\r\n" + line(n) + "\r\n"
				answer := p.do(request)
				wantStatus(t, answer, 200)
				first := field(answer, "X-Target")
				reached[first]++
				for range 3 {
					if again := field(d.do(request), "X-Target"); again != first {
						t.Fatalf("%q went to %s and then to %s", line(n), first, again)
					}
				}
			}
			for _, name := range []string{"a", "b", "c"} {
				if reached[name] < 3 {
					t.Errorf("of 30 keys %d went to %s: %v", reached[name], name, reached)
				}
			}
		})
	}
}
