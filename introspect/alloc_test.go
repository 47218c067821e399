//go:build !race

package introspect_test

import (
	"context"
	"testing"
)

func TestAllocations(t *testing.T) {
	_, view := open(t, withFile(setOf(rsaSigner(0))))
	cached := rsaSigner(0).token(claims(at, ""))
	forged := signer{"rsa-0", "RS256", rsaKeys()[1]}.token(claims(at, ""))
	for _, tt := range []struct {
		name, token string
		most        float64
	}{
		{"cached", cached, 0},
		{"bad signature", forged, 50},
		{"no token at all", "abc", 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := testing.AllocsPerRun(100, func() { _, _ = view.Introspect(context.Background(), tt.token, at) })
			if got > tt.most {
				t.Errorf("%v allocations, want at most %v", got, tt.most)
			}
		})
	}
}
