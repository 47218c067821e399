package throttle_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/policy/throttle"
	"postern/gateway/problem"
	"postern/gateway/quota"
	"postern/provisioning/config"
)

// limited is a limit with the defaults that the configuration fills in, and what
// it counts.
type limited struct {
	exchange.Handler
	counts *throttle.Counts
	alerts int
	last   quota.Decision // of which was alerted
}

func newLimited(cfg config.Throttle) *limited {
	all := config.Config{
		APIs:         []config.API{{Name: "orders", Policies: config.Policies{Throttle: []config.Throttle{cfg}}}},
		Applications: []config.Application{{Name: "shop"}, {Name: "partner"}},
	}
	all.SetDefaults()
	rule := &all.APIs[0].Policies.Throttle[0]
	l := &limited{counts: new(throttle.Counts)}
	l.Handler = throttle.New(rule, throttle.Options{
		API: &all.APIs[0], Applications: all.Applications, Counters: quota.NewLocal(rule.Keys), ID: "x", Counts: l.counts,
		Alert: func(_ *exchange.Exchange, d quota.Decision) { l.alerts, l.last = l.alerts+1, d },
	})(func(*exchange.Exchange) error { return nil })
	return l
}

func minutely(requests int, by ...string) config.Throttle {
	return config.Throttle{Requests: requests, Per: config.Period{Span: time.Minute}, By: by}
}

// request is one of an application, with field lines in pairs.
func request(app string, fields ...string) *exchange.Exchange {
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), API: "orders", Address: netip.MustParseAddr("192.0.2.7")}
	x.Caller.Application = exchange.Application{Name: app, ID: app}
	for i := 0; i < len(fields); i += 2 {
		x.Head.Add(fields[i], fields[i+1])
	}
	return x
}

// fields is what an answer gets.
func fields(x *exchange.Exchange) string { return string(x.Fields.Append(nil)) }

func TestWhatTheCallerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := minutely(1)
		cfg.Name = `a "b" \c`
		l := newLimited(cfg)
		x := request("shop")
		if err := l.Handler(x); err != nil {
			t.Fatal(err)
		}
		quoted := `"a \"b\" \\c"`
		if got, want := fields(x), "RateLimit-Policy: "+quoted+";q=1;w=60\r\nRateLimit: "+quoted+";r=0;t=60\r\n"; got != want {
			t.Errorf("passed with\n%s\nwant\n%s", got, want)
		}
		time.Sleep(15*time.Second + time.Millisecond)
		x = request("shop")
		err := l.Handler(x)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Status != 429 || p.Code != "too_many_requests" || p.Detail != "at most one request per 1m" {
			t.Fatalf("%#v", err)
		}
		if x.Reason != `limit a "b" \c is reached` {
			t.Errorf("reason %q", x.Reason)
		}
		if got, want := fields(x), "RateLimit-Policy: "+quoted+";q=1;w=60\r\nRateLimit: "+quoted+";r=0;t=45\r\nRetry-After: 45\r\n"; got != want {
			t.Errorf("refused with\n%s\nwant\n%s", got, want)
		}
	})
}

func TestFields(t *testing.T) {
	off := false
	for _, tt := range []struct {
		name string
		cfg  config.Throttle
		want string
	}{
		{"off", config.Throttle{Requests: 1, Per: config.Period{Span: time.Minute}, Headers: &off}, ""},
		{"week", config.Throttle{Requests: 9, Per: config.Period{Calendar: config.CalendarWeek, Count: 2}}, `"rule-1";q=9;w=1209600`},
		{"month", config.Throttle{Requests: 9, Per: config.Period{Calendar: config.CalendarMonth, Count: 1}}, `"rule-1";q=9`},
		{"smooth", config.Throttle{Requests: 60, Per: config.Period{Span: time.Minute}, Algorithm: "smooth", Burst: 3}, `"rule-1";q=60;w=60`},
		{"exception", config.Throttle{Requests: 60, Per: config.Period{Span: time.Minute}, Except: []config.ThrottleException{{Application: "shop", Requests: 7}}}, `"rule-1";q=7;w=60`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request("shop")
			if err := newLimited(tt.cfg).Handler(x); err != nil {
				t.Fatal(err)
			}
			if got := string(x.Fields.Get("RateLimit-Policy")); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if (tt.want == "") != (fields(x) == "") {
				t.Errorf("fields %q", fields(x))
			}
		})
	}
}

// Several limits stand in one field, in the order in which they count.
func TestSeveralLimitsAreOneList(t *testing.T) {
	first, second := minutely(5), minutely(3)
	first.Name, second.Name = "first", "second"
	x := request("shop")
	if err := errors.Join(newLimited(first).Handler(x), newLimited(second).Handler(x)); err != nil {
		t.Fatal(err)
	}
	if got, want := fields(x), "RateLimit-Policy: \"first\";q=5;w=60, \"second\";q=3;w=60\r\nRateLimit: \"first\";r=4;t=60, \"second\";r=2;t=60\r\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestAlerts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		alert *config.ThrottleAlert
		want  [3]int // after three refusals of a window, one of another counter, and two of the next window
	}{
		{"none", nil, [3]int{0, 0, 0}},
		{"once", &config.ThrottleAlert{}, [3]int{1, 2, 3}},
		{"always", &config.ThrottleAlert{Frequency: "always"}, [3]int{3, 4, 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := minutely(1, "application")
				cfg.Alert = tt.alert
				l := newLimited(cfg)
				var got [3]int
				play := func(i, requests int, app string) {
					for range requests {
						_ = l.Handler(request(app)) // refused from the second on
					}
					got[i] = l.alerts
				}
				play(0, 4, "shop")
				play(1, 2, "partner")
				time.Sleep(time.Minute)
				play(2, 3, "shop")
				if got != tt.want {
					t.Errorf("%v alerts, want %v", got, tt.want)
				}
				if l.counts.Alerts.Get() != uint64(tt.want[2]) || l.counts.Refused.Get() != 6 {
					t.Errorf("counted %d alerts and %d refused", l.counts.Alerts.Get(), l.counts.Refused.Get())
				}
				if tt.alert != nil && (l.last.Allowed || l.last.Reset != time.Minute) {
					t.Errorf("alert of %+v", l.last)
				}
			})
		})
	}
}

// No two requests that differ in what is counted by share a counter, however
// their parts are cut, and however long they are.
func TestKeysDiffer(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	l := newLimited(minutely(1, "header:A", "application", "header:B"))
	for _, x := range []func() *exchange.Exchange{
		func() *exchange.Exchange { return request("") },
		func() *exchange.Exchange { return request("a") },
		func() *exchange.Exchange { return request("b") },
		func() *exchange.Exchange { return request("", "A", "a") },
		func() *exchange.Exchange { return request("", "B", "a") },
		func() *exchange.Exchange { return request("a", "A", "a") },
		func() *exchange.Exchange { return request("a", "A", "aa") },
		func() *exchange.Exchange { return request("aa", "A", "a") },
		func() *exchange.Exchange { return request("a", "A", "\x01a") },
		func() *exchange.Exchange { return request("a", "A", "a", "B", "a") },
		func() *exchange.Exchange { return request("a", "A", long) },
		func() *exchange.Exchange { return request("a", "A", long+"x") },
		func() *exchange.Exchange { return request("a", "B", long) },
		func() *exchange.Exchange { return request(long, "A", "a") },
		func() *exchange.Exchange { return request("\xfe") },
		func() *exchange.Exchange { return request("\xff" + long[:31]) },
	} {
		if err := l.Handler(x()); err != nil {
			t.Errorf("%q %q: shares a counter", x().Caller.Application.ID, fields(x()))
		}
		if err := l.Handler(x()); err == nil {
			t.Errorf("%q: the same request has another counter", x().Caller.Application.ID)
		}
	}
}

// Only what a token says in one word is counted by.
func TestClaims(t *testing.T) {
	l := newLimited(minutely(1, "claim:org.id"))
	of := func(id any) *exchange.Exchange {
		x := request("")
		x.Caller.Claims = map[string]any{"org": map[string]any{"id": id}}
		return x
	}
	for i, tt := range []struct {
		id      any
		refused bool
	}{
		{"a", false},
		{"a", true},
		{"b", false},
		{[]any{"a"}, false},
		{[]any{"c"}, true},
		{map[string]any{}, true},
		{nil, true}, // all are missing
	} {
		if err := l.Handler(of(tt.id)); (err != nil) != tt.refused {
			t.Errorf("%d: %v: %v", i, tt.id, err)
		}
	}
}

// Counters mean the same as long as they count the same.
func TestSame(t *testing.T) {
	of := func(change func(*config.Throttle)) *config.Throttle {
		cfg := minutely(1, "ip")
		cfg.Name = "x"
		change(&cfg)
		return &cfg
	}
	before := of(func(*config.Throttle) {})
	for name, change := range map[string]func(*config.Throttle){
		"nothing":      func(*config.Throttle) {},
		"requests":     func(c *config.Throttle) { c.Requests = 2 },
		"burst":        func(c *config.Throttle) { c.Burst = 2 },
		"except":       func(c *config.Throttle) { c.Except = []config.ThrottleException{{Application: "shop"}} },
		"applications": func(c *config.Throttle) { c.Applications.Word = "registered" },
		"alert":        func(c *config.Throttle) { c.Alert = &config.ThrottleAlert{} },
	} {
		if !throttle.Same(before, of(change)) {
			t.Errorf("%s changes what counters mean", name)
		}
	}
	for name, change := range map[string]func(*config.Throttle){
		"per":       func(c *config.Throttle) { c.Per.Span = time.Hour },
		"by":        func(c *config.Throttle) { c.By = config.ThrottleBy{"ip", "api"} },
		"algorithm": func(c *config.Throttle) { c.Algorithm = "smooth" },
		"week":      func(c *config.Throttle) { c.WeekStarts = "sunday" },
		"missing":   func(c *config.Throttle) { c.Missing = "ip" },
		"prefix":    func(c *config.Throttle) { c.IPv6Prefix = 48 },
		"keys":      func(c *config.Throttle) { c.Keys = 5 },
		"store":     func(c *config.Throttle) { c.Store = "redis" },
	} {
		if throttle.Same(before, of(change)) {
			t.Errorf("%s leaves counters as they are", name)
		}
	}
}

func BenchmarkThrottle(b *testing.B) {
	for _, by := range []string{"api", "application", "ip", "claim:azp", "header:X-Tenant"} {
		l := newLimited(minutely(1_000_000_000, by))
		x := request("shop", "X-Tenant", "a tenant")
		x.Caller.Claims = map[string]any{"azp": "shop"}
		b.Run(fmt.Sprintf("by=%s", by), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Fields.Reset()
				if err := l.Handler(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
