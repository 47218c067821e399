package gateway

import (
	"fmt"
	"testing"
)

// TestProofBehindProxy: a proxy may say which address its caller has asked for;
// where the caller got a word in, too, neither is taken.
func TestProofBehindProxy(t *testing.T) {
	issuerKey, holder := newSigner(t, "k1"), newSigner(t, "")
	i, u := openIssuer(t, issuerKey), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))+"trusted_proxies: [127.0.0.0/8]\n")
	token := issuerKey.sign(t, claims(i.URL, map[string]any{"cnf": map[string]any{"jkt": holder.thumbprint()}}))
	const path = "/gateway/orders/1.0/orders"
	for _, tt := range []struct {
		name, address string
		fields        []string
		status        int
	}{
		{"one word", "https://api.example.com", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: api.example.com"}, 200},
		{"a caller's host first", "http://evil.example.com", []string{"X-Forwarded-Host: evil.example.com", "X-Forwarded-Host: api.example.com"}, 401},
		{"a caller's host in a list", "http://evil.example.com", []string{"X-Forwarded-Host: evil.example.com, api.example.com"}, 401},
		{"a caller's scheme first", "https://shop.example.com", []string{"X-Forwarded-Proto: https", "X-Forwarded-Proto: http"}, 401},
		{"neither, but the request's own", "http://shop.example.com", []string{"X-Forwarded-Host: a", "X-Forwarded-Host: b"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := []string{"GET " + path + " HTTP/1.1", "Host: shop.example.com", "Authorization: DPoP " + token, "DPoP: " + holder.prove(t, "GET", tt.address+path, token, nil)}
			wantStatus(t, d.do(lines(append(head, tt.fields...)...)), tt.status)
		})
	}
}
