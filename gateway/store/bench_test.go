package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"postern/gateway/quota"
)

// What a request waits for: one round trip to a Redis on this host.
func BenchmarkTake(b *testing.B) {
	redis := aged(b)
	c := up(b, section(redis.Address))
	for _, r := range []*quota.Rule{
		{ID: "window", Requests: 1 << 40, Per: span(time.Hour)},
		{ID: "smooth", Requests: 1_000_000_000, Per: span(time.Hour), Smooth: true, Burst: 1_000_000},
	} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", r.ID, callers), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(callers)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := c.Take(context.Background(), r, []byte("k"), time.Now()); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
