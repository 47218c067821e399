//go:build !race

package cache_test

import "testing"

func TestHitsAllocateNothing(t *testing.T) {
	for name, serve := range benches(t) {
		serve()
		if allocs := testing.AllocsPerRun(200, serve); allocs > 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
