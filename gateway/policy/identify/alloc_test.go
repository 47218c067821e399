//go:build !race

package identify_test

import (
	"net/netip"
	"testing"

	"postern/provisioning/config"
)

// No way to identify a caller costs memory.
func TestWaysAllocateNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		levels []*config.Identify
	}{
		{"key", []*config.Identify{{By: []string{"api_key"}}}},
		{"address", []*config.Identify{{By: []string{"ip"}}}},
		{"key or token or address", []*config.Identify{{By: []string{"api_key", "jwt", "ip"}}}},
		{"key and address", []*config.Identify{{By: []string{"api_key", "ip"}, Combine: "and"}}},
		{"two levels", []*config.Identify{{By: []string{"api_key"}}, {By: []string{"ip"}, Anonymous: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := asks(t, tt.levels...)(pass)
			next := repeated("X-Gateway-APIKey: shop-key")
			serve := func() {
				x := next()
				x.Address = netip.AddrFrom4([4]byte{192, 0, 2, 1})
				if err := h(x); err != nil || x.Caller.Application.Name != "shop" {
					t.Fatal(err, x.Caller)
				}
			}
			if allocs := testing.AllocsPerRun(200, serve); allocs > 0 {
				t.Errorf("identifying allocates %v times", allocs)
			}
		})
	}
}

func TestKnownPasswordsAllocateNothing(t *testing.T) {
	serve := replayBasic(t)
	serve()
	if n := testing.AllocsPerRun(100, serve); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
