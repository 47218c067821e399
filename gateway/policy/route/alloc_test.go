//go:build !race

package route_test

import "testing"

func TestRoutingAllocatesNothing(t *testing.T) {
	for name, serve := range benches(t) {
		if n := testing.AllocsPerRun(1000, serve); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
