package upstream

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/sticky"
	"postern/provisioning/config"
)

// prepared is an upstream of targets a, b, c … with these weights. It is not
// started, for nothing is sent.
func prepared(t testing.TB, cfg config.Upstream, weights ...int) *Upstream {
	t.Helper()
	for i, w := range weights {
		cfg.Targets = append(cfg.Targets, config.Target{URL: fmt.Sprintf("http://%c.example", 'a'+i), Weight: w})
	}
	all := &config.Config{APIs: []config.API{{Upstream: cfg}}}
	all.SetDefaults()
	u, err := New(all.APIs[0].Upstream, Options{Limits: all.Limits, Counts: new(metrics.API), Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func of(method string) config.Upstream {
	return config.Upstream{Balance: config.Balance{Method: method}}
}

// asked is an exchange with these header lines.
func asked(lines ...string) *exchange.Exchange {
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		x.HTTP.Request.Header.Set(name, value)
	}
	return x
}

// picks is whom n requests go to, as letters.
func picks(u *Upstream, n int) string {
	var all strings.Builder
	for range n {
		m := u.pick(asked(), 0, time.Now())
		all.WriteByte(byte('a' + m.index))
	}
	return all.String()
}

func TestRoundRobin(t *testing.T) {
	for _, tt := range []struct {
		weights []int
		want    string
	}{
		{[]int{1, 1, 1}, "abcabc"},
		{[]int{5, 1, 1}, "aabacaaaabacaa"}, // as in nginx
		{[]int{20, 10}, "abaaba"},
		{[]int{2, 3}, "babab"},
		{[]int{7}, "aaa"},
	} {
		if got := picks(prepared(t, of(config.RoundRobin), tt.weights...), len(tt.want)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.weights, got, tt.want)
		}
	}
}

func TestWeightsAreSharesOfRequests(t *testing.T) {
	const n = 60_000
	for _, method := range []string{config.RoundRobin, config.LeastPending, config.RandomTwo, config.ByHash} {
		t.Run(method, func(t *testing.T) {
			cfg := of(method)
			cfg.Balance.By = "header:X-User"
			u := prepared(t, cfg, 1, 2, 3)
			var got [3]int
			for i := range n {
				m := u.pick(asked(fmt.Sprintf("X-User: user-%d", i)), 0, time.Now())
				got[m.index]++
				if method == config.LeastPending {
					m.pending.Add(1) // they stay, so that the shares even out
				}
			}
			for i, want := range []float64{n / 6, n / 3, n / 2} {
				if part := float64(got[i]) / want; part < 0.95 || part > 1.05 {
					t.Errorf("target %d has %d of %d requests, want about %.0f", i, got[i], n, want)
				}
			}
		})
	}
}

func TestTheLessBusyIsChosen(t *testing.T) {
	u := prepared(t, of(config.LeastPending), 1, 1, 2)
	for i, n := range []int64{3, 1, 4} {
		u.members[i].pending.Store(n) // for their weights: 4, 2 and 2.5 with one more
	}
	if got := picks(u, 3); got != "bbb" {
		t.Errorf("least_pending: %s", got)
	}
	u = prepared(t, of(config.RandomTwo), 1, 1)
	u.members[0].pending.Store(5)
	if got := picks(u, 50); strings.Contains(got, "a") {
		t.Errorf("of two the busier was chosen: %s", got)
	}
}

func TestHashMovesOnlyWhatItMust(t *testing.T) {
	cfg := of(config.ByHash)
	cfg.Balance.By = "header:X-User"
	u := prepared(t, cfg, 1, 1, 1, 1)
	where := func() (at []int) {
		for i := range 10_000 {
			at = append(at, u.pick(asked(fmt.Sprintf("X-User: %d", i)), 0, time.Now()).index)
		}
		return at
	}
	before := where()
	if !slices.Equal(before, where()) {
		t.Error("equal keys go to different targets")
	}
	u.members[2].health.unwell.Store(true)
	u.changes.Add(1)
	moved := [4]int{}
	for i, now := range where() {
		if before[i] != 2 && now != before[i] {
			t.Fatalf("key %d moved from target %d, which is well, to %d", i, before[i], now)
		}
		if before[i] == 2 {
			moved[now]++
		}
	}
	for _, i := range []int{0, 1, 3} {
		if moved[i] < 700 || moved[i] > 1000 {
			t.Errorf("of about 2500 keys that had to move %d went to target %d, want about 833", moved[i], i)
		}
	}
}

func TestHashKeys(t *testing.T) {
	for _, tt := range []struct {
		by       string
		a, b     *exchange.Exchange // with different keys
		nothing  *exchange.Exchange
		prepared func(*exchange.Exchange)
	}{
		{by: "header:X-User", a: asked("X-User: 1"), b: asked("X-User: 2"), nothing: asked("X-Other: 1")},
		{by: "cookie:s", a: asked("Cookie: t=2; s=1"), b: asked("Cookie: s=2"), nothing: asked("Cookie: t=1")},
		{by: "claim:tenant.id", a: claims("1"), b: claims("2"), nothing: asked()},
	} {
		k := sticky.New(tt.by)
		a, okA := k.Of(tt.a)
		b, okB := k.Of(tt.b)
		if _, ok := k.Of(tt.nothing); ok || !okA || !okB || a == b {
			t.Errorf("%s: %x %t, %x %t; nothing %t", tt.by, a, okA, b, okB, ok)
		}
	}
}

func claims(tenant string) *exchange.Exchange {
	x := asked()
	x.Caller.Claims = map[string]any{"tenant": map[string]any{"id": tenant}}
	return x
}

// A request that a target has failed goes to the others, then to those out of
// turn, and then to nobody.
func TestTriedTargetsAreNotChosen(t *testing.T) {
	for _, method := range []string{config.RoundRobin, config.LeastPending, config.RandomTwo, config.ByHash} {
		cfg := of(method)
		cfg.Balance.By = "header:X-User"
		u := prepared(t, cfg, 1, 1, 1, 1)
		u.members[3].health.unwell.Store(true)
		for range 100 {
			var tried uint64
			for want := range 4 {
				m := u.pick(asked("X-User: a"), tried, time.Now())
				if m == nil || tried&(1<<m.index) != 0 || want == 3 != (m.index == 3) {
					t.Fatalf("%s: choice %d is %+v after %b", method, want, m, tried)
				}
				tried |= 1 << m.index
			}
			if m := u.pick(asked("X-User: a"), tried, time.Now()); m != nil || bits.OnesCount64(tried) != 4 {
				t.Fatalf("%s: %+v after %b", method, m, tried)
			}
		}
	}
}

func TestWhenNoneIsWellAllAreAsked(t *testing.T) {
	u := prepared(t, of(config.RoundRobin), 1, 1)
	for _, m := range u.members {
		m.health.unwell.Store(true)
	}
	if got := picks(u, 4); got != "abab" {
		t.Errorf("%s, want abab", got)
	}
}

// The share of a target that comes back grows in steps.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := of(config.RoundRobin)
		cfg.SlowStart = config.Duration(10 * time.Second)
		u := prepared(t, cfg, 1, 1)
		u.members[1].health.back.Store(time.Now().UnixNano())
		var shares []int
		for range 12 {
			shares = append(shares, strings.Count(picks(u, 1100), "b"))
			time.Sleep(time.Second)
		}
		// 1 of 11, 2 of 12 … 9 of 19, then half
		want := []int{100, 183, 253, 314, 366, 412, 453, 488, 521, 550, 550, 550}
		near := func(a, b int) bool { return max(a, b)-min(a, b) <= 15 }
		if diff := cmp.Diff(want, shares, cmp.Comparer(near)); diff != "" {
			t.Errorf("of 1100 requests each second (-want +got):\n%s", diff)
		}
	})
}
