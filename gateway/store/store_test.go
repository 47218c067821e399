package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/gateway/metrics"
	"postern/gateway/quota"
	"postern/gateway/store"
	"postern/gateway/store/redistest"
	"postern/provisioning/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// section is a configuration whose timeout a busy machine keeps.
func section(address string) config.Redis {
	c := &config.Config{Store: &config.Store{Redis: &config.Redis{Address: address, Timeout: config.Duration(5 * time.Second)}}}
	c.SetDefaults()
	return *c.Store.Redis
}

type copyOf struct {
	*store.Store
	t    testing.TB
	logs *observer.ObservedLogs
}

// start is a copy's store that has been started; it ends with the test.
func start(t testing.TB, cfg config.Redis) copyOf {
	t.Helper()
	return after(t, nil, cfg)
}

// after is start for a store that replaces another one.
func after(t testing.TB, previous *store.Store, cfg config.Redis) copyOf {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	s, err := store.New(cfg, store.Options{Previous: previous, Counts: metrics.New(metrics.Sources{}).Store(), Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Close)
	return copyOf{s, t, logs}
}

func (c copyOf) until(state string) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); c.Status().State != state; {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain to be %s: %+v", state, c.Status())
		}
		<-time.After(time.Millisecond)
	}
}

// up is a copy of a Redis that has settled.
func up(t testing.TB, cfg config.Redis) copyOf {
	t.Helper()
	c := start(t, cfg)
	c.until(store.Up)
	return c
}

func (c copyOf) take(r *quota.Rule, key string) quota.Decision {
	c.t.Helper()
	d, err := c.Take(context.Background(), r, []byte(key), time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

func span(d time.Duration) config.Period { return config.Period{Span: d} }

func TestWindow(t *testing.T) {
	redis := redistest.Start(t)
	a, b := up(t, section(redis.Address)), up(t, section(redis.Address))
	r := &quota.Rule{ID: "orders/1.0", Requests: 3, Per: span(time.Hour)}
	for i, c := range []copyOf{a, b, a} {
		d := c.take(r, "alice")
		if !d.Allowed || d.Remaining != int64(2-i) || d.Reset <= 59*time.Minute || d.Reset > time.Hour {
			t.Errorf("request %d: %+v", i, d)
		}
	}
	for i, c := range []copyOf{b, a, b} {
		d := c.take(r, "alice")
		if d.Allowed || d.First != (i == 0) || d.RetryAfter != d.Reset || d.Reset <= 59*time.Minute {
			t.Errorf("request %d beyond: %+v", i, d)
		}
	}
	if d := b.take(r, "bob"); !d.Allowed || d.Remaining != 2 {
		t.Errorf("another key: %+v", d)
	}
	other := *r
	other.ID = "orders/2.0"
	if d := b.take(&other, "alice"); !d.Allowed || d.Remaining != 2 {
		t.Errorf("another rule: %+v", d)
	}
	more := *r
	more.Requests = 5
	if d := b.take(&more, "alice"); !d.Allowed || d.Remaining != 1 {
		t.Errorf("a changed limit does not go on: %+v", d)
	}
}

func TestWindowEnds(t *testing.T) {
	redis := redistest.Start(t)
	c := up(t, section(redis.Address))
	r := &quota.Rule{ID: "x", Requests: 1, Per: span(time.Hour)}
	if !c.take(r, "").Allowed || c.take(r, "").Allowed {
		t.Fatal("not one")
	}
	short := *r
	short.Per = span(200 * time.Millisecond) // now it ends sooner
	if d := c.take(&short, ""); d.Allowed || d.Reset > 200*time.Millisecond {
		t.Fatalf("%+v", d)
	}
	redis.Until("the next window", func() bool { return c.take(&short, "").Allowed })
}

func TestCalendar(t *testing.T) {
	redis := redistest.Start(t)
	c := up(t, section(redis.Address))
	r := &quota.Rule{ID: "x", Requests: 2, Per: config.Period{Calendar: config.CalendarMonth, Count: 1}}
	june := time.Date(2040, 6, 10, 12, 0, 0, 0, time.UTC)
	for i, tt := range []struct {
		now     time.Time
		allowed bool
		reset   time.Duration
	}{
		{june, true, 20*24*time.Hour + 12*time.Hour},
		{june.Add(10 * 24 * time.Hour), true, 10*24*time.Hour + 12*time.Hour},
		{time.Date(2040, 6, 30, 23, 0, 0, 0, time.UTC), false, time.Hour},
		{time.Date(2040, 7, 1, 0, 1, 0, 0, time.UTC), true, 31*24*time.Hour - time.Minute},
		{june, false, 20*24*time.Hour + 12*time.Hour}, // a copy whose clock is late
	} {
		d, err := c.Take(context.Background(), r, nil, tt.now)
		off := d.Reset - tt.reset
		if err != nil || d.Allowed != tt.allowed || off.Abs() > 30*time.Second {
			t.Errorf("%d: %+v, %v", i, d, err)
		}
	}
}

func TestSmooth(t *testing.T) {
	redis := redistest.Start(t)
	a, b := up(t, section(redis.Address)), up(t, section(redis.Address))
	r := &quota.Rule{ID: "x", Requests: 6, Per: span(time.Hour), Smooth: true, Burst: 3}
	for i, c := range []copyOf{a, b, a} {
		d := c.take(r, "alice")
		reset := time.Duration(i+1) * 10 * time.Minute
		if !d.Allowed || d.Remaining != int64(2-i) || d.Reset > reset || d.Reset < reset-time.Minute {
			t.Errorf("request %d: %+v", i, d)
		}
	}
	for i, c := range []copyOf{b, a} {
		d := c.take(r, "alice")
		if d.Allowed || d.First != (i == 0) || d.RetryAfter > 10*time.Minute || d.RetryAfter < 9*time.Minute || d.Reset > 30*time.Minute || d.Reset < 29*time.Minute {
			t.Errorf("request %d beyond: %+v", i, d)
		}
	}
	quick := &quota.Rule{ID: "y", Requests: 20, Per: span(time.Second), Smooth: true, Burst: 1}
	a.take(quick, "")
	redis.Until("the next is allowed", func() bool { return b.take(quick, "").Allowed })
}

// Whatever callers send, keys are short, say nothing, and expire.
func TestKeys(t *testing.T) {
	redis := redistest.Start(t)
	cfg := section(redis.Address)
	cfg.Prefix = "shop"
	c := up(t, cfg)
	for _, r := range []*quota.Rule{
		{ID: "x", Requests: 1, Per: span(time.Minute)},
		{ID: "x", Requests: 1, Per: config.Period{Calendar: config.CalendarWeek, Count: 1}},
		{ID: "x", Requests: 1, Per: span(time.Minute), Smooth: true, Burst: 1},
	} {
		for range 2 {
			c.take(r, strings.Repeat("secret", 10_000))
		}
	}
	keys := strings.Fields(redis.Do("KEYS", "*"))
	if len(keys) != 4 {
		t.Errorf("keys %q", keys)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "shop:") || len(key) > 40 || strings.Contains(key, "secret") {
			t.Errorf("key %q", key)
		}
		if ttl := redis.Do("TTL", key); strings.HasPrefix(ttl, "-") {
			t.Errorf("key %q does not expire", key)
		}
	}
}

// Of however many requests of two copies at once, exactly so many are allowed.
func TestExact(t *testing.T) {
	redis := redistest.Start(t)
	copies := []copyOf{up(t, section(redis.Address)), up(t, section(redis.Address))}
	for _, r := range []*quota.Rule{
		{ID: "window", Requests: 500, Per: span(time.Hour)},
		{ID: "smooth", Requests: 500, Per: span(1000 * time.Hour), Smooth: true, Burst: 500},
	} {
		var allowed, first atomic.Int64
		var done sync.WaitGroup
		for i := range 20 {
			done.Go(func() {
				for range 50 {
					d, err := copies[i%2].Take(context.Background(), r, []byte("k"), time.Now())
					if err != nil {
						t.Error(err)
						return
					}
					if d.Allowed {
						allowed.Add(1)
					}
					if d.First {
						first.Add(1)
					}
				}
			})
		}
		done.Wait()
		if allowed.Load() != 500 || first.Load() != 1 {
			t.Errorf("%s: %d allowed, want 500; %d first ones, want 1", r.ID, allowed.Load(), first.Load())
		}
	}
}

// A Redis that has forgotten is told what its copies know, before anybody
// counts on it again.
func TestRestartKeepsCounts(t *testing.T) {
	redis := redistest.Start(t)
	copies := []copyOf{up(t, section(redis.Address)), up(t, section(redis.Address))}
	window := &quota.Rule{ID: "window", Requests: 1000, Per: span(time.Hour)}
	smooth := &quota.Rule{ID: "smooth", Requests: 10, Per: span(time.Hour), Smooth: true, Burst: 1000}
	keys := 250 // more than are told at once
	for i := range 4 * keys {
		for _, r := range []*quota.Rule{window, smooth} {
			copies[i%2].take(r, fmt.Sprint(i/4))
		}
	}
	redis.Stop()
	for _, c := range copies {
		fails(t, c, window)
		c.until(store.Away)
	}
	redis.Start()
	for _, c := range copies {
		c.until(store.Up)
	}
	for i := range keys {
		for _, r := range []*quota.Rule{window, smooth} {
			if d := copies[i%2].take(r, fmt.Sprint(i)); d.Remaining != 995 {
				t.Fatalf("%s %d: %+v after 5 of 1000", r.ID, i, d)
			}
		}
	}
}

// A Redis that is emptied while it runs is noticed.
func TestFlush(t *testing.T) {
	redis := redistest.Start(t)
	c := up(t, section(redis.Address))
	r := &quota.Rule{ID: "x", Requests: 5, Per: span(time.Hour)}
	c.take(r, "")
	c.take(r, "")
	redis.Do("FLUSHALL")
	c.until(store.Settling)
	fails(t, c, r)
	c.until(store.Up)
	if d := c.take(r, ""); d.Remaining != 2 {
		t.Errorf("%+v", d)
	}
}

// fails asks until a failure shows.
func fails(t *testing.T, c copyOf, r *quota.Rule) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		if _, err := c.Take(context.Background(), r, []byte("probe"), time.Now()); err != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no failure")
		}
	}
}

// logged are the messages so far.
func logged(c copyOf) (all []string) {
	for _, e := range c.logs.All() {
		all = append(all, e.Message)
	}
	return all
}

// Redis that is not there costs nothing, is not waited for, and is connected to
// when it comes; the log hears of it once.
func TestAwayAtStart(t *testing.T) {
	redis := redistest.New(t)
	c := start(t, section(redis.Address))
	c.until(store.Away)
	r := &quota.Rule{ID: "x", Requests: 1, Per: span(time.Hour)}
	if _, err := c.Take(context.Background(), r, nil, time.Now()); !errors.Is(err, store.ErrAway) {
		t.Errorf("error %v", err)
	}
	if allocs := testing.AllocsPerRun(1000, func() { _, _ = c.Take(context.Background(), r, nil, time.Time{}) }); allocs > 0 {
		t.Errorf("%v allocations while away", allocs)
	}
	redis.Start()
	c.until(store.Up)
	if !c.take(r, "").Allowed {
		t.Error("refused")
	}
	lines := strings.Join(logged(c), "\n")
	if strings.Count(lines, "store is away") != 1 || !strings.HasSuffix(lines, "store is up") {
		t.Errorf("log:\n%s", lines)
	}
	if s := c.Status(); s.LastError != "" || s.Address != redis.Address {
		t.Errorf("%+v", s)
	}
}

// Of more counters than this copy remembers, those that were used last are told.
func TestRemember(t *testing.T) {
	redis := redistest.Start(t)
	cfg := section(redis.Address)
	cfg.Remember = 64
	c := up(t, cfg)
	r := &quota.Rule{ID: "x", Requests: 1, Per: span(time.Hour)}
	for i := range 1000 {
		c.take(r, fmt.Sprint(i))
	}
	redis.Do("FLUSHALL")
	c.until(store.Settling)
	c.until(store.Up)
	var size int
	_, err := fmt.Sscan(redis.Do("DBSIZE"), &size)
	if told := size - 1; err != nil || told < 32 || told > 64 {
		t.Errorf("%d told, want 32 to 64; %v", told, err)
	}
	if c.take(r, "999").Allowed || !c.take(r, "0").Allowed {
		t.Error("not the last ones are remembered")
	}
}

// A store that replaces another one knows what that one has seen.
func TestReplaced(t *testing.T) {
	redis := redistest.Start(t)
	cfg := section(redis.Address)
	before := up(t, cfg)
	r := &quota.Rule{ID: "x", Requests: 1, Per: span(time.Hour)}
	before.take(r, "")
	before.Close()
	redis.Stop()
	redis.Start()
	cfg.Connections = 2
	now := after(t, before.Store, cfg)
	now.until(store.Up)
	if now.take(r, "").Allowed {
		t.Error("forgotten")
	}
}
