//go:build !race

package mask_test

import (
	"testing"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

func TestWithoutBodiesNothingIsAllocated(t *testing.T) {
	h, _ := policy(t, config.Mask{Request: pin, Response: pin}, func(*exchange.Exchange) error { return nil })
	x := received(t, "GET", "", "")
	if n := testing.AllocsPerRun(1000, func() { _ = h(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
