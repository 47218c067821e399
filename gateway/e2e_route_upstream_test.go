package gateway

import (
	"crypto/tls"
	"fmt"
	"testing"
)

// The TLS and the timeout of a rule are its own: sslConfig and readTimeout of one
// routeTo say nothing of another.
func TestRouteUpstreamOfEachRule(t *testing.T) {
	ca := newAuthority(t)
	_, _, server := ca.issue("server", "127.0.0.1")
	safe := newTargetOn(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server}}, always(ok))
	silent := newTarget(t, func(_ *target, p *peer) {
		for p.request() != "" { // until the gateway has enough of it
		}
	})
	d := deploy(t, t.TempDir(), routedTo(fmt.Sprintf(`
      - {name: trusted, when: {all: [{header: {name: X-Way, equals: trusted}}]}, upstream: {targets: [{url: "https://%[1]s"}], tls: {ca: %[2]q}}}
      - {name: unknown, when: {all: [{header: {name: X-Way, equals: unknown}}]}, upstream: {targets: [{url: "https://%[1]s"}]}}
      - {name: silent, when: {all: [{header: {name: X-Way, equals: silent}}]}, upstream: {targets: [{url: "http://%[3]s"}], timeout: 100ms}}`,
		safe.address, ca.file(), silent.address), named(t, "own"), safe, silent))
	for way, want := range map[string]int{"trusted": 200, "unknown": 502, "silent": 504, "own": 200} {
		t.Run(way, func(t *testing.T) {
			wantStatus(t, d.do(lines("GET /gateway/orders/x HTTP/1.1", "Host: h", "X-Gateway-APIKey: key-of-the-shop-1", "X-Way: "+way)), want)
		})
	}
}
