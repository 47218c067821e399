package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"postern/gateway/metrics"
	"postern/provisioning/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// until polls until met holds.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !met(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 10s: " + what)
		}
	}
}

// checked is an upstream with one target that is checked, started until the test
// ends.
func checked(t *testing.T, address string, change func(*config.Upstream)) *Upstream {
	t.Helper()
	cfg := config.Upstream{
		Targets: []config.Target{{URL: address}},
		Health:  &config.Health{Path: "/healthz?full=1", Interval: config.Duration(10 * time.Millisecond), Timeout: config.Duration(5 * time.Second)},
	}
	if change != nil {
		change(&cfg)
	}
	u := prepared(t, cfg)
	u.Start()
	t.Cleanup(func() { u.Close() })
	return u
}

func standing(u *Upstream) string { return u.Targets()[0].State }

func TestChecks(t *testing.T) {
	var status atomic.Int32
	var asked sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method+" "+r.Host+" "+r.URL.String(), true)
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for _, tt := range []struct {
		name      string
		change    func(*config.Upstream)
		good, bad int32
		request   string
	}{
		{"every 2xx", nil, 204, 301, "GET " + host + " /healthz?full=1"},
		{"one of a list", func(u *config.Upstream) { u.Health.Status = []int{429, 503} }, 503, 200, "GET " + host + " /healthz?full=1"},
		{"with the host that requests have", func(u *config.Upstream) { u.Host = "orders.internal" }, 200, 500, "GET orders.internal /healthz?full=1"},
		{"with the target's where requests have their caller's", func(u *config.Upstream) { u.Host = "caller" }, 200, 500, "GET " + host + " /healthz?full=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status.Store(tt.bad)
			asked.Clear()
			u := checked(t, server.URL+"/shop", tt.change)
			if standing(u) != metrics.Healthy {
				t.Error("not taken for healthy before it was asked")
			}
			until(t, "unhealthy", func() bool { return standing(u) == metrics.Unhealthy })
			if _, ok := asked.Load(tt.request); !ok {
				t.Errorf("not asked %s", tt.request)
			}
			status.Store(tt.good)
			until(t, "healthy again", func() bool { return standing(u) == metrics.Healthy })
		})
	}
}

// Checks begin with Start, are carried on by the next upstream, and end with the
// last; those that are other ones take the place of the old.
func TestChecksAreCarriedOn(t *testing.T) {
	bad := httptest.NewServer(http.NotFoundHandler())
	defer bad.Close()
	first := checked(t, bad.URL, nil)
	until(t, "unhealthy", func() bool { return standing(first) == metrics.Unhealthy })
	cfg := config.Upstream{Targets: []config.Target{{URL: bad.URL, Weight: 5}}, Health: first.health}
	all := &config.Config{APIs: []config.API{{Upstream: cfg}}}
	all.SetDefaults()
	after := func(cfg config.Upstream) *Upstream {
		u, err := New(cfg, Options{Limits: all.Limits, Counts: new(metrics.API), Log: zap.NewNop(), Previous: first})
		if err != nil {
			t.Fatal(err)
		}
		u.Start()
		t.Cleanup(func() { u.Close() })
		return u
	}
	second := after(all.APIs[0].Upstream)
	if second.members[0].target != first.members[0].target || standing(second) != metrics.Unhealthy {
		t.Fatalf("another weight makes another target, which is %s", standing(second))
	}
	without := all.APIs[0].Upstream
	without.Health = nil
	if third := after(without); standing(third) != metrics.Healthy {
		t.Error("unhealthy although nobody checks any more")
	}
}

// What is no good answer: none, one that is not HTTP, one that never comes.
func TestBadAnswersToChecks(t *testing.T) {
	for name, answer := range map[string]string{
		"closed":     "",
		"no HTTP":    "hello\r\n\r\n",
		"only 1xx":   strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim),
		"never ends": "HTTP/1.1 200 OK\r\nX: ",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var served sync.WaitGroup
			served.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					served.Go(func() {
						defer c.Close()
						bufio.NewReader(c).ReadString('\n')
						io.WriteString(c, answer)
						if strings.HasSuffix(answer, ": ") {
							io.Copy(io.Discard, c)
						}
					})
				}
			})
			u := checked(t, "http://"+l.Addr().String(), func(u *config.Upstream) { u.Health.Timeout = config.Duration(20 * time.Millisecond) })
			until(t, "unhealthy", func() bool { return standing(u) == metrics.Unhealthy })
			u.members[0].checks.stop()
			l.Close()
			served.Wait()
		})
	}
}

func TestChecksInARow(t *testing.T) {
	u := prepared(t, of(config.RoundRobin), 1, 1)
	c := &checker{target: u.members[0].target, cfg: &config.Health{Healthy: 2, Unhealthy: 3}, log: zap.NewNop()}
	for i, step := range []struct {
		good, unwell bool
	}{
		{false, false},
		{false, false},
		{true, false},
		{false, false},
		{false, false},
		{false, true},
		{true, true},
		{false, true},
		{true, true},
		{true, false},
		{false, false},
	} {
		var err error
		if !step.good {
			err = io.EOF
		}
		if c.note(err, time.Now()); c.target.health.unwell.Load() != step.unwell {
			t.Fatalf("after answer %d: unwell %t", i, !step.unwell)
		}
	}
}

// A check that ends when nobody checks any more leaves no mark, which would stay.
func TestChecksThatHaveEndedSayNothing(t *testing.T) {
	u := prepared(t, of(config.RoundRobin), 1, 1)
	c := &checker{target: u.members[0].target, cfg: &config.Health{Healthy: 1, Unhealthy: 1}, log: zap.NewNop()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c.noted(ctx, io.EOF) || standing(u) != metrics.Healthy {
		t.Error("noted after the end")
	}
	if !c.noted(t.Context(), io.EOF) || standing(u) != metrics.Unhealthy {
		t.Error("not noted")
	}
}
