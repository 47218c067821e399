package gateway

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// told is what a log says: the lines by message and API, and how many it says
// were left out.
func told(logs *observer.ObservedLogs) map[string][2]int64 {
	found := map[string][2]int64{}
	for _, entry := range logs.All() {
		fields := entry.ContextMap()
		key := fmt.Sprint(entry.Message, " ", fields["api"])
		counts := found[key]
		if n, ok := fields["suppressed"].(int64); ok {
			counts[1] += n
		} else {
			counts[0]++
		}
		found[key] = counts
	}
	return found
}

// Of a kind the first ones in a span are written; how many others there were is
// told once, at its end.
func TestSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		s := newSampler(zap.New(core))
		say := func(level zapcore.Level, message, api string, times int) {
			for range times {
				if c := s.check(level, message, api); c != nil {
					c.Write(zap.String("api", api))
				}
			}
		}
		say(zap.WarnLevel, "down", "a", 25)
		say(zap.WarnLevel, "down", "b", 3)
		say(zap.WarnLevel, "slow", "a", 11)
		say(zap.DebugLevel, "refused", "a", 100)
		want := map[string][2]int64{"down a": {10, 0}, "down b": {3, 0}, "slow a": {10, 0}}
		if diff := cmp.Diff(want, told(logs)); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		time.Sleep(sampleSpan)
		synctest.Wait()
		want["down a"], want["slow a"] = [2]int64{10, 15}, [2]int64{10, 1}
		if diff := cmp.Diff(want, told(logs)); diff != "" {
			t.Errorf("after the span (-want +got):\n%s", diff)
		}
		say(zap.WarnLevel, "down", "a", 12)
		s.end()
		time.Sleep(2 * sampleSpan)
		synctest.Wait()
		want["down a"] = [2]int64{20, 17}
		if diff := cmp.Diff(want, told(logs)); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
	})
}

func TestSamplerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		s := newSampler(zap.New(core))
		for i := range 3 * sampleKinds {
			s.check(zap.WarnLevel, "down", fmt.Sprint(i))
		}
		if n := len(*s.kinds.Load()); n > sampleKinds+1 {
			t.Errorf("%d kinds are remembered", n)
		}
		s.end()
		if got := told(logs)["down "]; got != [2]int64{0, 2*sampleKinds - sampleFirst} {
			t.Errorf("told of %v", got)
		}
	})
}

// Every failure of an upstream is a line in the access log; the error log has
// some, and their number. Refusals are there at level debug.
func TestFailuresAreSampled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		p     *problem.Problem
		level zapcore.Level
	}{
		{"a failure", problem.UpstreamFailed, zap.WarnLevel},
		{"a refusal", problem.InvalidToken, zap.DebugLevel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, logs := newGateway(t, shop, func(*exchange.Exchange) error { return tt.p.Because(errors.New("the reason")) })
			for range 100 {
				begin(t, g, "/gateway/orders/orders").Finish(exchange.End{Status: tt.p.Status})
			}
			g.failures.end()
			logs = logs.FilterLevelExact(tt.level).FilterMessage(tt.p.Code)
			entry := logs.FilterFieldKey("reason").All()[0].ContextMap()
			if entry["reason"] != "the reason" || entry["api"] != "orders/1.0" || entry["id"] == "" {
				t.Errorf("line %v", entry)
			}
			counts := told(logs)[tt.p.Code+" orders/1.0"]
			// A span may end while the test runs.
			if counts[0] < sampleFirst || counts[0] > 2*sampleFirst || counts[0]+counts[1] != 100 {
				t.Errorf("%d lines, %d left out, of 100", counts[0], counts[1])
			}
		})
	}
}

func BenchmarkSampler(b *testing.B) {
	s := newSampler(zap.NewNop())
	s.log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(discard{}), zap.InfoLevel))
	b.ReportAllocs()
	for b.Loop() {
		s.check(zap.WarnLevel, "upstream_failed", "orders/1.0")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
