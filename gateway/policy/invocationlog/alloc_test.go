//go:build !race

package invocationlog_test

import "testing"

func TestEventsAllocateNothing(t *testing.T) {
	for name, serve := range benches(t) {
		for range 10 {
			serve() // buffers grow to their size
		}
		if allocs := testing.AllocsPerRun(200, serve); allocs > 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
