//go:build !race

package quota_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"postern/gateway/quota"
)

// Nothing is allocated for a key that is known, nor, once there is no more room,
// for a new one.
func TestTakeAllocatesNothing(t *testing.T) {
	for _, smooth := range []bool{false, true} {
		l, r := quota.NewLocal(1000), &quota.Rule{Requests: 5, Per: per(time.Minute), Smooth: smooth, Burst: 5}
		keys := make([][]byte, 2000)
		for i := range keys {
			keys[i] = fmt.Append(nil, i)
			take(t, l, r, string(keys[i]), noon)
		}
		for name, of := range map[string]int{"known": 1, "new": len(keys)} {
			i := 0
			if allocs := testing.AllocsPerRun(5000, func() {
				i++
				_, _ = l.Take(context.Background(), r, keys[i%of], noon.Add(time.Duration(i)))
			}); allocs > 0 {
				t.Errorf("smooth %v: %v allocations for a %s key", smooth, allocs, name)
			}
		}
	}
}

func BenchmarkTake(b *testing.B) {
	for _, smooth := range []bool{false, true} {
		l, r := quota.NewLocal(10_000), &quota.Rule{Requests: 1000, Per: per(time.Minute), Smooth: smooth, Burst: 1000}
		keys := make([][]byte, 5000)
		for i := range keys {
			keys[i] = fmt.Append(nil, "application ", i)
		}
		b.Run(fmt.Sprintf("smooth=%v", smooth), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				ctx, now, i := context.Background(), noon, 0
				for pb.Next() {
					i += 7
					_, _ = l.Take(ctx, r, keys[i%len(keys)], now)
				}
			})
		})
	}
}
