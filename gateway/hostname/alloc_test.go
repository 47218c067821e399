//go:build !race

package hostname_test

import (
	"context"
	"net/netip"
	"testing"

	"postern/gateway/hostname"
	"postern/provisioning/config"
)

func TestKnownNamesAllocateNothing(t *testing.T) {
	r := hostname.Asking(config.Default().Hostnames, &script{})
	addr, ctx := netip.MustParseAddr("192.0.2.1"), context.Background()
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := r.Lookup(ctx, addr); err != nil {
			t.Fatal(err)
		}
	}); allocs > 0 {
		t.Errorf("a known address allocates %v times", allocs)
	}
}
