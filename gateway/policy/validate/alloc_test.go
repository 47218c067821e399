//go:build !race

package validate_test

import (
	"testing"

	"postern/gateway/exchange"
)

func TestRequestsWithoutParametersAllocateNothing(t *testing.T) {
	h := policy(t, everything)(func(*exchange.Exchange) error { return nil })
	x := received(t, "GET /things HTTP/1.1\r\nHost: a\r\n\r\n")
	if n := testing.AllocsPerRun(1000, func() { _ = h(x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
