//go:build !race

package outbound_test

import "testing"

func TestOutboundAllocatesNothing(t *testing.T) {
	for name, serve := range benches(t) {
		serve()
		if allocs := testing.AllocsPerRun(200, serve); allocs > 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
