//go:build !race

package metrics_test

import (
	"testing"
	"time"

	"postern/gateway/metrics"
)

func TestCountingAllocatesNothing(t *testing.T) {
	i := metrics.New(metrics.Sources{})
	a := i.API("orders/1.0")
	i.Problem("not_found")
	allocs := testing.AllocsPerRun(1000, func() {
		a.Done(404, 1, 20*time.Millisecond, time.Millisecond)
		i.Problem("not_found").Inc()
	})
	if allocs != 0 {
		t.Errorf("counting an exchange allocates %v times", allocs)
	}
}
