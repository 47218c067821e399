package monitor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/monitor"
	"postern/provisioning/config"
)

// call is a request that an API has answered.
type call struct {
	application string
	status      int
	took        time.Duration
}

func play(m *monitor.Monitor, calls ...call) {
	h := m.Policy(func(*exchange.Exchange) error { return nil })
	for _, c := range calls {
		x := new(exchange.Exchange)
		x.Caller.Application.ID = c.application
		_ = h(x) // the handler above fails never
		x.Finish(exchange.End{Status: c.status, Duration: c.took})
	}
}

// watched is a monitor whose events and lines are kept.
type watched struct {
	*monitor.Monitor
	to     *destination.Destination
	events *observer.ObservedLogs
	lines  *observer.ObservedLogs
}

func watch(cfg config.Monitor) *watched {
	core, events := observer.New(zap.InfoLevel)
	told, lines := observer.New(zap.InfoLevel)
	var kinds [event.Kinds]bool
	for k := range kinds {
		kinds[k] = true
	}
	w := &watched{events: events, lines: lines}
	w.to = destination.NewLog(destination.Options{Queue: 1 << 20, Kinds: kinds, Counts: new(metrics.Events), Log: zap.NewNop()}, zap.InfoLevel, zap.New(core))
	w.to.Start()
	w.Monitor = monitor.New(&cfg, monitor.Site{
		API: &config.API{Name: "orders", Version: "1"}, Node: "host", Log: zap.NewNop(),
		Applications: []config.Application{{Name: "shop", ID: "app-1"}, {Name: "batch", ID: "app-2"}},
		Report:       []*destination.Destination{w.to}, Alert: []*destination.Destination{w.to},
		Tell: func(message string, fields ...zap.Field) { zap.New(told).Warn(message, fields...) },
	})
	w.Start()
	return w
}

// told is what a kind of event says under some keys.
func (w *watched) told(t *testing.T, kind string, keys ...string) (all []string) {
	t.Helper()
	w.to.Stop(context.Background())
	for _, line := range w.events.All() {
		var e map[string]any
		if err := json.Unmarshal(line.Context[0].Interface.(json.RawMessage), &e); err != nil {
			t.Fatal(err)
		}
		if e["eventType"] != kind {
			continue
		}
		text := ""
		for _, key := range keys {
			text += fmt.Sprint(e[key], " ")
		}
		all = append(all, text[:len(text)-1])
	}
	return all
}

func value(n int) *int { return &n }

func TestFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		w := watch(config.Monitor{Interval: config.Duration(time.Minute)})
		play(w.Monitor, call{"", 200, 10 * time.Millisecond}, call{"", 404, 20 * time.Millisecond}, call{"", 503, 60 * time.Millisecond}, call{"", 0, time.Hour})
		play(w.Monitor, call{"", 200, 30 * time.Millisecond})
		time.Sleep(90 * time.Second)
		play(w.Monitor, call{"", 200, 7 * time.Millisecond})
		w.Stop()
		w.Stop() // again changes nothing
		at := func(d time.Duration) string { return fmt.Sprint(float64(begun.Add(d).UnixMilli())) }
		want := []string{
			"75 30 10 60 1 3 4 " + at(0) + " " + at(time.Minute) + " orders <nil>",
			"100 7 7 7 0 1 1 " + at(time.Minute) + " " + at(90*time.Second) + " orders <nil>",
		}
		if got := w.told(t, "PerformanceMetrics", "availability", "avgResponseTime", "minResponseTime", "maxResponseTime", "faultCount", "successCount", "totalCount", "intervalStart", "intervalStop", "apiName", "applicationId"); !slices.Equal(got, want) {
			t.Errorf("figures\n%q, want\n%q", got, want)
		}
	})
}

// Each metric and operator, of an interval with three successes and a fault.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		metric, operator string
		value            int
		want             bool
	}{
		{"availability", "lt", 76, true},
		{"availability", "eq", 75, true},
		{"availability", "gt", 75, false},
		{"average_response_time", "gt", 29, true},
		{"average_response_time", "gt", 30, false},
		{"minimum_response_time", "eq", 10, true},
		{"minimum_response_time", "lt", 10, false},
		{"maximum_response_time", "gt", 59, true},
		{"maximum_response_time", "lt", 60, false},
		{"success_count", "eq", 3, true},
		{"success_count", "gt", 3, false},
		{"fault_count", "gt", 0, true},
		{"fault_count", "gt", 1, false},
		{"total_request_count", "gt", 3, true},
		{"total_request_count", "lt", 4, false},
	} {
		t.Run(fmt.Sprint(tt.metric, " ", tt.operator, " ", tt.value), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(config.Monitor{
					Interval: config.Duration(time.Minute), Rules: []config.MonitorRule{{Metric: tt.metric, Operator: tt.operator, Value: &tt.value}},
					Alert: config.MonitorAlert{Message: "slow", Frequency: "once"},
				})
				play(w.Monitor, call{"", 200, 10 * time.Millisecond}, call{"", 200, 20 * time.Millisecond}, call{"", 503, 60 * time.Millisecond}, call{"", 200, 30 * time.Millisecond})
				time.Sleep(61 * time.Second)
				w.Stop()
				var want []string
				if tt.want {
					want = []string{"slow Monitor orders(1)"}
				}
				if got := w.told(t, "Monitor", "alertDesc", "alertType", "alertSource"); !slices.Equal(got, want) || w.lines.Len() != len(want) {
					t.Errorf("alerts %q, want %q; lines %v", got, want, w.lines.All())
				}
			})
		})
	}
}

// An interval of its own length decides which requests count together.
func TestInterval(t *testing.T) {
	for interval, want := range map[time.Duration]int{time.Minute: 0, 2 * time.Minute: 1} {
		synctest.Test(t, func(t *testing.T) {
			w := watch(config.Monitor{
				Interval: config.Duration(interval), Rules: []config.MonitorRule{{Metric: "total_request_count", Operator: "gt", Value: value(1)}},
			})
			play(w.Monitor, call{"", 200, 0})
			time.Sleep(70 * time.Second)
			play(w.Monitor, call{"", 200, 0})
			time.Sleep(time.Minute)
			w.Stop()
			if got := w.told(t, "Monitor", "totalCount"); len(got) != want {
				t.Errorf("interval %s: alerts %q, want %d", interval, got, want)
			}
		})
	}
}

func TestFrequency(t *testing.T) {
	for frequency, want := range map[string]int{"once": 2, "always": 3} {
		synctest.Test(t, func(t *testing.T) {
			w := watch(config.Monitor{
				Interval: config.Duration(time.Minute), Rules: []config.MonitorRule{{Metric: "fault_count", Operator: "gt", Value: value(0)}},
				Alert: config.MonitorAlert{Frequency: frequency},
			})
			for _, bad := range []bool{true, true, false, true} {
				if bad {
					play(w.Monitor, call{"", 500, 0})
				}
				time.Sleep(time.Minute)
				synctest.Wait()
			}
			w.Stop()
			if got := w.told(t, "Monitor", "alertDesc"); len(got) != want || got[0] != "a monitored API is not as it should be" {
				t.Errorf("%s: %q", frequency, got)
			}
		})
	}
}

// Several rules must all hold, and without requests there is no availability.
func TestAllRulesMustHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(config.Monitor{Interval: config.Duration(time.Minute), Rules: []config.MonitorRule{
			{Metric: "availability", Operator: "lt", Value: value(100)}, {Metric: "total_request_count", Operator: "gt", Value: value(1)},
		}})
		play(w.Monitor, call{"", 500, 0}) // too few
		time.Sleep(time.Minute)
		synctest.Wait()
		time.Sleep(time.Minute) // none
		synctest.Wait()
		play(w.Monitor, call{"", 500, 0}, call{"", 200, 0})
		time.Sleep(time.Minute)
		synctest.Wait()
		w.Stop()
		if got := w.told(t, "Monitor", "availability"); !slices.Equal(got, []string{"50"}) {
			t.Errorf("alerts %q", got)
		}
	})
}

func TestApplications(t *testing.T) {
	calls := []call{{"app-1", 200, 0}, {"app-1", 500, 0}, {"app-2", 200, 0}, {"", 200, 0}, {"stranger", 200, 0}}
	for _, tt := range []struct {
		name string
		of   config.MonitorFor
		want []string
	}{
		{"all together", config.MonitorFor{}, []string{"<nil> <nil> 5"}},
		{"by name", config.MonitorFor{Names: []string{"shop"}}, []string{"app-1 shop 2"}},
		{"by id", config.MonitorFor{Names: []string{"app-2", "batch"}}, []string{"app-2 batch 1"}},
		{"each", config.MonitorFor{Each: true}, []string{"app-1 shop 2", "app-2 batch 1", "Unknown Unknown 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(config.Monitor{Interval: config.Duration(time.Minute), Applications: tt.of})
				play(w.Monitor, calls...)
				w.Stop()
				if got := w.told(t, "PerformanceMetrics", "applicationId", "applicationName", "totalCount"); !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

func BenchmarkMonitor(b *testing.B) {
	serve := bench()
	b.ReportAllocs()
	for b.Loop() {
		serve()
	}
}

func bench() func() {
	m := monitor.New(&config.Monitor{Interval: config.Duration(time.Minute)}, monitor.Site{API: new(config.API)})
	h := m.Policy(func(*exchange.Exchange) error { return nil })
	x := new(exchange.Exchange)
	return func() {
		_ = h(x) // the handler above fails never
		x.Finish(exchange.End{Status: 200, Duration: time.Millisecond})
		x.Reset()
	}
}
