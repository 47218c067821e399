package quota_test

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"postern/gateway/quota"
)

// bucket is the reference: the continuous-state leaky bucket of ITU-T I.371,
// in exact arithmetic. A request pours in one interval, which leaks away with
// time; it conforms when the level before it is at most burst-1 intervals.
type bucket struct {
	level    *big.Int
	last     time.Time
	interval int64
	burst    int64
}

func (b *bucket) take(now time.Time) bool {
	level := new(big.Int).Sub(b.level, big.NewInt(int64(now.Sub(b.last))))
	if level.Sign() < 0 {
		level.SetInt64(0)
	}
	if level.Cmp(big.NewInt((b.burst-1)*b.interval)) > 0 {
		return false
	}
	b.level, b.last = level.Add(level, big.NewInt(b.interval)), now
	return true
}

// Every request of random traffic is judged as the reference judges it, and what
// a decision foretells comes true.
func TestSmoothIsGCRA(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		r := &quota.Rule{
			Requests: 1 + random.Int64N(1000), Per: per(time.Second + time.Duration(random.Int64N(int64(time.Hour)))),
			Smooth: true, Burst: 1 + random.Int64N(20),
		}
		interval := int64(r.Interval())
		if exact := float64(r.Per.Span) / float64(r.Requests); float64(interval) < exact || float64(interval) >= exact+1 {
			t.Fatalf("interval %d of %+v", interval, r)
		}
		reference := bucket{new(big.Int), noon, interval, r.Burst}
		l, now := quota.NewLocal(10), noon
		for i := range 300 {
			now = now.Add(time.Duration(random.Int64N(2 * interval)))
			if random.IntN(20) == 0 {
				now = now.Add(time.Duration(random.Int64N(2 * r.Burst * interval)))
			}
			d := take(t, l, r, "a", now)
			if want := reference.take(now); d.Allowed != want {
				t.Fatalf("request %d of %+v: %+v, want allowed %v", i, r, d, want)
			}
			foretold(t, &reference, d, now)
		}
	}
}

// foretold tries out what a decision says of the future.
func foretold(t *testing.T, b *bucket, d quota.Decision, now time.Time) {
	t.Helper()
	ahead := bucket{b.level, b.last, b.interval, b.burst}
	if !d.Allowed {
		if early := ahead; early.take(now.Add(d.RetryAfter - 1)) {
			t.Fatalf("%+v: earlier would do", d)
		}
		if !ahead.take(now.Add(d.RetryAfter)) {
			t.Fatalf("%+v: refused then, too", d)
		}
		return
	}
	for range d.Remaining {
		if !ahead.take(now) {
			t.Fatalf("%+v: fewer remain", d)
		}
	}
	if ahead.take(now) {
		t.Fatalf("%+v: more remain", d)
	}
	rested := bucket{b.level, b.last, b.interval, b.burst}
	for range b.burst {
		if !rested.take(now.Add(d.Reset)) {
			t.Fatalf("%+v: not at rest then", d)
		}
	}
}

func TestSmooth(t *testing.T) {
	l, r := quota.NewLocal(10), &quota.Rule{Requests: 60, Per: per(time.Minute), Smooth: true, Burst: 3}
	for i, tt := range []struct {
		after time.Duration
		want  quota.Decision
	}{
		{0, quota.Decision{Allowed: true, Remaining: 2, Reset: time.Second}},
		{0, quota.Decision{Allowed: true, Remaining: 1, Reset: 2 * time.Second}},
		{0, quota.Decision{Allowed: true, Remaining: 0, Reset: 3 * time.Second}},
		{0, quota.Decision{Reset: 3 * time.Second, RetryAfter: time.Second, First: true}},
		{500 * time.Millisecond, quota.Decision{Reset: 2500 * time.Millisecond, RetryAfter: 500 * time.Millisecond}},
		{time.Second, quota.Decision{Allowed: true, Remaining: 0, Reset: 3 * time.Second}},
		{time.Second, quota.Decision{Reset: 3 * time.Second, RetryAfter: time.Second}}, // the first one was less than a minute ago
		{time.Hour, quota.Decision{Allowed: true, Remaining: 2, Reset: time.Second}},
	} {
		if got := take(t, l, r, "a", noon.Add(tt.after)); got != tt.want {
			t.Errorf("request %d: %+v, want %+v", i, got, tt.want)
		}
	}
}
