//go:build !race

package concurrency_test

import "testing"

func TestConcurrencyAllocatesNothing(t *testing.T) {
	for name, serve := range benches() {
		serve()
		if allocs := testing.AllocsPerRun(500, serve); allocs > 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
