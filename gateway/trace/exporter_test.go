package trace_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector keeps what an exporter sends, and answers with a script.
type collector struct {
	*trace.Exporter
	mu      sync.Mutex
	batches [][]trace.Span
	script  func(ctx context.Context) error
	dropped atomic.Int64
	logs    *observer.ObservedLogs
}

// collect makes an exporter of queue spans in a bubble of synctest.
func collect(queue int, script func(ctx context.Context) error) *collector {
	core, logs := observer.New(zap.DebugLevel)
	c := &collector{script: script, logs: logs}
	c.Exporter = trace.NewExporterTo(trace.Options{
		Timeout: 10 * time.Second, Queue: queue,
		Dropped: func(n int) { c.dropped.Add(int64(n)) }, Log: zap.New(core),
	}, c.take)
	return c
}

func (c *collector) take(ctx context.Context, spans []trace.Span) error {
	if err := c.script(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches = append(c.batches, slices.Clone(spans))
	return nil
}

// sizes are how many spans came in each batch.
func (c *collector) sizes() (sizes []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, batch := range c.batches {
		sizes = append(sizes, len(batch))
	}
	return sizes
}

func (c *collector) add(n int) {
	for i := range n {
		c.Add(trace.Span{Name: fmt.Sprint(i)})
	}
}

// end stops the exporter and gives it limit.
func (c *collector) end(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c.Stop(ctx)
}

func takes(context.Context) error { return nil }

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collect(2000, takes)
		c.Start()
		c.Start() // again changes nothing
		c.add(3)
		synctest.Wait()
		if got := c.sizes(); got != nil {
			t.Errorf("sent at once: %v", got)
		}
		time.Sleep(time.Second)
		c.add(trace.BatchSize + 1)
		synctest.Wait()
		if got := c.sizes(); !slices.Equal(got, []int{3, trace.BatchSize}) {
			t.Errorf("batches %v", got)
		}
		c.add(1)
		c.end(time.Second)
		if got := c.sizes(); !slices.Equal(got, []int{3, trace.BatchSize, 2}) || c.dropped.Load() != 0 {
			t.Errorf("batches %v at the end, %d dropped", got, c.dropped.Load())
		}
		if c.batches[0][2].Name != "2" {
			t.Errorf("spans in another order: %v", c.batches[0])
		}
	})
}

// A collector that hangs holds up nobody, and what is lost is counted.
func TestSlowCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collect(100, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		c.Start()
		c.add(1)
		time.Sleep(time.Second) // it hangs
		c.add(150)
		if got := c.dropped.Load(); got != 50 {
			t.Errorf("%d dropped, want 50", got)
		}
		begun := time.Now()
		c.end(3 * time.Second)
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("the end took %v", took)
		}
		if got := c.dropped.Load(); got != 151 {
			t.Errorf("%d dropped, want 151", got)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collect(100, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		c.Start()
		c.add(1)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := c.dropped.Load(); got != 0 {
			t.Errorf("%d dropped before the timeout", got)
		}
		time.Sleep(time.Second)
		if got := c.dropped.Load(); got != 1 {
			t.Errorf("%d dropped, want 1", got)
		}
		c.end(time.Second)
	})
}

// The log tells once that exports fail, once a minute that they still do, and
// that they work again.
func TestFailuresDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		c := collect(100, func(context.Context) error {
			if away.Load() {
				return errors.New("refused " + strings.Repeat("x", 2000))
			}
			return nil
		})
		c.Start()
		for range 90 {
			c.add(2)
			time.Sleep(time.Second)
		}
		away.Store(false)
		for range 10 {
			c.add(2)
			time.Sleep(time.Second)
		}
		c.end(time.Second)
		var told []string
		for _, line := range c.logs.All() {
			told = append(told, fmt.Sprint(line.Message, " ", line.ContextMap()["lost"]))
			if reason, _ := line.ContextMap()["reason"].(string); len(reason) > 512 {
				t.Errorf("a reason of %d bytes", len(reason))
			}
		}
		if want := []string{"spans not exported 2", "spans not exported 120", "spans are exported again 58"}; !slices.Equal(told, want) {
			t.Errorf("log %q, want %q", told, want)
		}
		if got := c.dropped.Load(); got != 180 {
			t.Errorf("%d dropped", got)
		}
	})
}

func TestPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collect(100, func(context.Context) error { panic("odd") })
		c.Start()
		c.add(1)
		time.Sleep(time.Second)
		c.add(1)
		c.end(time.Second)
		if got := c.dropped.Load(); got != 2 {
			t.Errorf("%d dropped, want 2", got)
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collect(100, takes)
		c.end(time.Second) // was never started
		c.Start()          // and is not any more
		c.add(3)
		c.end(time.Second)
		if got := c.dropped.Load(); got != 3 || c.sizes() != nil {
			t.Errorf("%d dropped, sent %v", got, c.sizes())
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	e := trace.NewExporterTo(trace.Options{
		Timeout: time.Second, Queue: 2048, Dropped: func(int) {}, Log: zap.NewNop(),
	}, func(context.Context, []trace.Span) error { return nil })
	e.Start()
	b.ReportAllocs()
	for b.Loop() {
		e.Add(trace.Span{Name: "GET"})
	}
	e.Stop(context.Background())
}
