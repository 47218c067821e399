//go:build !race

package ipfilter_test

import "testing"

func TestFilterAllocatesNothing(t *testing.T) {
	for name, serve := range benches(t) {
		allowed := 0.0
		if name == "hosts" {
			allowed = 2 // the test's own book writes the address as text
		}
		if allocs := testing.AllocsPerRun(200, serve); allocs > allowed {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
