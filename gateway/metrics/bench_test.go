package metrics_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"postern/gateway/metrics"
)

func BenchmarkDone(b *testing.B) {
	a := metrics.New(metrics.Sources{}).API("orders/1.0")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a.Done(200, 1, 2*time.Millisecond, time.Millisecond)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	for _, apis := range []int{10, 1000} {
		b.Run(fmt.Sprint(apis), func(b *testing.B) {
			i := metrics.New(metrics.Sources{})
			for n := range apis {
				i.API(fmt.Sprintf("orders-%d/1.0", n)).Done(200, 1, time.Millisecond, time.Millisecond)
			}
			for b.Loop() {
				i.Write(io.Discard)
			}
		})
	}
}
