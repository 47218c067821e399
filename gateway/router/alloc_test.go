//go:build !race

package router_test

import (
	"testing"

	"postern/gateway/router"
)

func TestMatchAllocatesNothing(t *testing.T) {
	r := many(100)
	raw, path := []byte("/gateway/orders-3/1.0/orders/%31/lines/7"), []byte(nil)
	method, host := []byte("GET"), []byte("API.example.com:4485")
	unknown := []byte("/gateway/unknown")
	allocs := testing.AllocsPerRun(1000, func() {
		path, _, _ = router.Canonical(path[:0], raw)
		if _, err := r.Match(method, host, path); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Match(method, host, unknown); err == nil {
			t.Fatal("found what is not there")
		}
	})
	if allocs != 0 {
		t.Errorf("matching allocates %v times", allocs)
	}
}
