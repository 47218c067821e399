//go:build !race

package compression_test

import "testing"

// The encoder of zstd allocates two small blocks for each answer.
func TestCompressionAllocatesNothing(t *testing.T) {
	for name, serve := range benches(t) {
		most := map[string]float64{"zstd": 2}[name]
		for range 10 {
			serve()
		}
		if allocs := testing.AllocsPerRun(200, serve); allocs > most {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
