//go:build !race

package upstream

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
)

// TestChoosingAllocatesNothing also says what a circuit breaker costs.
func TestChoosingAllocatesNothing(t *testing.T) {
	for _, method := range []string{config.RoundRobin, config.LeastPending, config.RandomTwo, config.ByHash} {
		cfg := of(method)
		cfg.Balance.By = "header:X-User"
		u, x, now := prepared(t, cfg, 1, 2, 3), asked("X-User: alice"), time.Now()
		if allocs := testing.AllocsPerRun(500, func() { u.pick(x, 0, now) }); allocs > 0 {
			t.Errorf("%s allocates %v times", method, allocs)
		}
	}
	b := newBreaker(&config.CircuitBreaker{Failures: 5, Open: config.Duration(time.Second)}, nil, zap.NewNop())
	if allocs := testing.AllocsPerRun(500, func() {
		done, _ := b.allow()
		told(done, 200)
	}); allocs > 1 {
		t.Errorf("a circuit breaker allocates %v times", allocs)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, method := range []string{config.RoundRobin, config.LeastPending, config.RandomTwo, config.ByHash} {
		b.Run(method, func(b *testing.B) {
			cfg := of(method)
			cfg.Balance.By = "header:X-User"
			u, x, now := prepared(b, cfg, 1, 2, 3), asked("X-User: alice"), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				u.pick(x, 0, now)
			}
		})
	}
}

// BenchmarkBreaker is what a circuit breaker adds to a request.
func BenchmarkBreaker(b *testing.B) {
	breaker := newBreaker(&config.CircuitBreaker{Failures: 5, Open: config.Duration(time.Second)}, nil, zap.NewNop())
	b.ReportAllocs()
	for b.Loop() {
		done, _ := breaker.allow()
		told(done, 200)
	}
}
