//go:build !race

package throttle_test

import (
	"testing"
)

// Neither a request that passes nor one that is refused allocates.
func TestThrottleAllocatesNothing(t *testing.T) {
	for _, by := range []string{"api", "application", "ip", "claim:azp", "header:X-Tenant"} {
		for name, requests := range map[string]int{"passed": 1_000_000, "refused": 1} {
			first, second := newLimited(minutely(1_000_000, by)), newLimited(minutely(requests, by))
			x := request("shop", "X-Tenant", "a tenant")
			x.Caller.Claims = map[string]any{"azp": "shop"}
			if allocs := testing.AllocsPerRun(500, func() {
				x.Fields.Reset()
				_, _ = first.Handler(x), second.Handler(x)
			}); allocs > 0 {
				t.Errorf("by %s, %s: %v allocations", by, name, allocs)
			}
		}
	}
}
