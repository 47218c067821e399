//go:build !race

package monitor_test

import "testing"

func TestCountingAllocatesNothing(t *testing.T) {
	serve := bench()
	serve()
	if allocs := testing.AllocsPerRun(200, serve); allocs > 0 {
		t.Errorf("counting allocates %v times", allocs)
	}
}
