package quota_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/gateway/quota"
	"postern/provisioning/config"
)

// noon is a Wednesday.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func per(span time.Duration) config.Period { return config.Period{Span: span} }

// take counts a request that must get an answer.
func take(t testing.TB, l *quota.Local, r *quota.Rule, key string, now time.Time) quota.Decision {
	t.Helper()
	d, err := l.Take(context.Background(), r, []byte(key), now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWindow(t *testing.T) {
	l, r := quota.NewLocal(100), &quota.Rule{Requests: 2, Per: per(time.Minute)}
	for i, tt := range []struct {
		key   string
		after time.Duration
		want  quota.Decision
	}{
		{"a", 0, quota.Decision{Allowed: true, Remaining: 1, Reset: time.Minute}},
		{"a", 20 * time.Second, quota.Decision{Allowed: true, Remaining: 0, Reset: 40 * time.Second}},
		{"a", 30 * time.Second, quota.Decision{Reset: 30 * time.Second, RetryAfter: 30 * time.Second, First: true}},
		{"a", 31 * time.Second, quota.Decision{Reset: 29 * time.Second, RetryAfter: 29 * time.Second}},
		{"b", 31 * time.Second, quota.Decision{Allowed: true, Remaining: 1, Reset: time.Minute}},
		{"a", 60*time.Second - 1, quota.Decision{Reset: 1, RetryAfter: 1}},
		{"a", 75 * time.Second, quota.Decision{Allowed: true, Remaining: 1, Reset: time.Minute}}, // it begins with this one
		{"a", 75 * time.Second, quota.Decision{Allowed: true, Remaining: 0, Reset: time.Minute}},
		{"a", 75 * time.Second, quota.Decision{Reset: time.Minute, RetryAfter: time.Minute, First: true}},
	} {
		if got := take(t, l, r, tt.key, noon.Add(tt.after)); got != tt.want {
			t.Errorf("request %d: %+v, want %+v", i, got, tt.want)
		}
	}
}

func TestCalendar(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	week, month := config.Period{Calendar: config.CalendarWeek, Count: 1}, config.Period{Calendar: config.CalendarMonth, Count: 1}
	weeks, months := config.Period{Calendar: config.CalendarWeek, Count: 2}, config.Period{Calendar: config.CalendarMonth, Count: 3}
	for _, tt := range []struct {
		name       string
		per        config.Period
		week       time.Weekday
		begin, end string
	}{
		{"week", week, time.Monday, "2026-11-25T12:00:00Z", "2026-11-30T00:00:00Z"},
		{"week, its first day", week, time.Monday, "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"},
		{"week, its last instant", week, time.Monday, "2026-11-29T23:59:59.999Z", "2026-11-30T00:00:00Z"},
		{"week from Sunday", week, time.Sunday, "2026-11-25T12:00:00Z", "2026-11-29T00:00:00Z"},
		{"week from Saturday, over the year's end", week, time.Saturday, "2026-12-29T12:00:00Z", "2027-01-02T00:00:00Z"},
		{"two weeks", weeks, time.Monday, "2026-11-25T12:00:00Z", "2026-12-07T00:00:00Z"},
		{"month", month, 0, "2026-11-25T12:00:00Z", "2026-12-01T00:00:00Z"},
		{"month in a leap year", month, 0, "2028-02-28T12:00:00Z", "2028-03-01T00:00:00Z"},
		{"month elsewhere", month, 0, "2026-12-01T01:00:00+02:00", "2026-12-01T00:00:00Z"},
		{"three months", months, 0, "2026-12-25T12:00:00Z", "2027-03-01T00:00:00Z"},
		{"span", per(24 * time.Hour), 0, "2026-11-25T12:00:00Z", "2026-11-26T12:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &quota.Rule{Requests: 1, Per: tt.per, Week: tt.week}
			begin, end := at(tt.begin), at(tt.end)
			if got := r.End(begin); !got.Equal(end) {
				t.Errorf("ends %v, want %v", got, end)
			}
			l := quota.NewLocal(10)
			for _, step := range []struct {
				now     time.Time
				allowed bool
			}{{begin, true}, {end.Add(-1), false}, {end, true}, {end, false}} {
				if d := take(t, l, r, "", step.now); d.Allowed != step.allowed {
					t.Errorf("at %v: %+v", step.now, d)
				}
			}
		})
	}
}

// A clock that is set back by an hour must not make a minute last an hour.
func TestClockIsTurnedBack(t *testing.T) {
	for _, r := range []*quota.Rule{
		{Requests: 1, Per: per(time.Minute)},
		{Requests: 1, Per: per(time.Minute), Smooth: true, Burst: 1},
	} {
		l := quota.NewLocal(10)
		take(t, l, r, "a", noon)
		back := noon.Add(-time.Hour)
		if d := take(t, l, r, "a", back); d.Allowed || d.RetryAfter != time.Minute {
			t.Errorf("smooth %v: %+v right after", r.Smooth, d)
		}
		if d := take(t, l, r, "a", back.Add(time.Minute)); !d.Allowed {
			t.Errorf("smooth %v: %+v a minute after", r.Smooth, d)
		}
	}
}

// Of however many requests at once, exactly so many are allowed.
func TestExactUnderConcurrency(t *testing.T) {
	const callers, each, limit = 16, 500, 777
	for _, r := range []*quota.Rule{
		{Requests: limit, Per: per(time.Hour)},
		{Requests: limit, Per: per(365 * 24 * time.Hour), Smooth: true, Burst: limit},
	} {
		l := quota.NewLocal(100)
		var allowed, first atomic.Int64
		var done sync.WaitGroup
		for range callers {
			done.Go(func() {
				for i := range each {
					for _, key := range []string{"a", "b"} {
						d, _ := l.Take(context.Background(), r, []byte(key), noon.Add(time.Duration(i)))
						if d.Allowed {
							allowed.Add(1)
						}
						if d.First {
							first.Add(1)
						}
					}
				}
			})
		}
		done.Wait()
		if allowed.Load() != 2*limit || first.Load() != 2 {
			t.Errorf("smooth %v: %d allowed, want %d; %d first ones, want 2", r.Smooth, allowed.Load(), 2*limit, first.Load())
		}
	}
}

func TestKeysAreBounded(t *testing.T) {
	l, r := quota.NewLocal(1000), &quota.Rule{Requests: 5, Per: per(time.Minute)}
	for i := range 20_000 {
		take(t, l, r, fmt.Sprint("attacker ", i), noon)
	}
	if l.Keys() < 1000 || l.Keys() > 1300 {
		t.Errorf("%d counters, want 1000 and not many more", l.Keys())
	}
	if want := uint64(20_000 - l.Keys()); l.Evicted() != want {
		t.Errorf("%d made room, want %d", l.Evicted(), want)
	}
}

// Counters at rest make room, and only then those in use; first the one that is
// the first to be at rest.
func TestWhoMakesRoom(t *testing.T) {
	for _, smooth := range []bool{false, true} {
		minute := &quota.Rule{Requests: 1, Per: per(time.Minute), Smooth: smooth, Burst: 1}
		hour := &quota.Rule{Requests: 1, Per: per(time.Hour), Smooth: smooth, Burst: 1}
		l := quota.NewLocal(1000)
		for i := range 500 {
			take(t, l, minute, fmt.Sprint("minute ", i), noon)
			take(t, l, hour, fmt.Sprint("hour ", i), noon)
		}
		// All minutes are over, so nobody in use has to go.
		for i := range 300 {
			take(t, l, hour, fmt.Sprint("new ", i), noon.Add(2*time.Minute))
		}
		if l.Evicted() != 0 {
			t.Errorf("smooth %v: %d in use made room beside those at rest", smooth, l.Evicted())
		}
		for i := range 500 {
			if d := take(t, l, hour, fmt.Sprint("hour ", i), noon.Add(3*time.Minute)); d.Allowed {
				t.Fatalf("smooth %v: hour %d was forgotten", smooth, i)
			}
		}
	}
}

// A counter that is used again and again is not the first to be forgotten.
func TestLongUsedIsNotForgotten(t *testing.T) {
	l, r := quota.NewLocal(200), &quota.Rule{Requests: 10, Per: per(10 * time.Minute), Smooth: true, Burst: 1000}
	for range 500 {
		take(t, l, r, "busy", noon) // at rest in 500 minutes
	}
	for i := range 5000 {
		take(t, l, r, fmt.Sprint(i), noon) // in one
	}
	if d := take(t, l, r, "busy", noon); d.Remaining != 499 {
		t.Errorf("%+v: its use was forgotten", d)
	}
}

// A rule that has changed goes on with the counters there are.
func TestChangedRule(t *testing.T) {
	l := quota.NewLocal(10)
	fifty, ten := &quota.Rule{Requests: 50, Per: per(time.Minute)}, &quota.Rule{Requests: 10, Per: per(time.Minute)}
	for range 20 {
		take(t, l, fifty, "a", noon)
	}
	if d := take(t, l, ten, "a", noon); d.Allowed || !d.First {
		t.Errorf("%+v after 20 of 10", d)
	}
	if d := take(t, l, fifty, "a", noon); d.Remaining != 29 {
		t.Errorf("%+v after 20 of 50", d)
	}
}
