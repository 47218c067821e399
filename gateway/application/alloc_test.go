//go:build !race

package application_test

import "testing"

func TestFindAllocatesNothing(t *testing.T) {
	x, c := index(crowd(1000)...), caller(t)
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := x.Find("corp", c); err != nil {
			t.Fatal(err)
		}
	}); allocs > 0 {
		t.Errorf("finding an application allocates %v times", allocs)
	}
}
