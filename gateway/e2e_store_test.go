package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"postern/gateway/store"
	"postern/gateway/store/redistest"
)

// sharingYAML is the YAML of a gateway that shares a limit with others.
func sharingYAML(redis, target, rule string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
store: {redis: {address: %q, timeout: 5s}}
apis:
- name: orders
  base_path: /
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: none
    throttle: [{name: shared, store: redis, %s}]
`, redis, target, rule)
}

// shown is what the status says of the store.
func (d *deployment) shown() (s struct{ Store store.Status }) {
	d.t.Helper()
	_, body := d.get("/rest/microgateway/status", "")
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		d.t.Fatalf("%v: %s", err, body)
	}
	return s
}

func (d *deployment) untilStore(state string) {
	d.t.Helper()
	eventually(d.t, "the store is "+state, func() bool { return d.shown().Store.State == state })
}

// copies are gateways that share a Redis.
func copies(t *testing.T, n int, redis *redistest.Server, rule string) []*deployment {
	t.Helper()
	u := newTarget(t, always(ok))
	var all []*deployment
	for range n {
		all = append(all, deploy(t, t.TempDir(), sharingYAML(redis.Address, u.address, rule)))
	}
	for _, d := range all {
		d.untilStore(store.Up)
	}
	return all
}

const anything = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

// storm sends requests to all copies at once, each so many on each of four
// connections, and tells how many were answered with which status.
func storm(copies []*deployment, each int) (statuses [600]int) {
	var counts [600]atomic.Int64
	var sent sync.WaitGroup
	for _, d := range copies {
		for range 4 {
			p := dial(d.t, d.http)
			sent.Go(func() {
				defer p.Close()
				for range each {
					counts[status(p.do(anything))].Add(1)
				}
			})
		}
	}
	sent.Wait()
	for i := range counts {
		statuses[i] = int(counts[i].Load())
	}
	return statuses
}

// While Redis is up, what is allowed is allowed to all copies together.
func TestCopiesShareALimit(t *testing.T) {
	redis := redistest.Start(t)
	for _, rule := range []string{
		"requests: 1000, per: 1h",
		"requests: 1000, per: calendar_month",
		"requests: 10, per: 24h, algorithm: smooth, burst: 1000, name: smooth",
	} {
		t.Run(rule, func(t *testing.T) {
			all := copies(t, 2, redis, strings.TrimSuffix(rule, ", name: smooth"))
			got := storm(all, 200)
			if got[200] < 990 || got[200] > 1010 || got[200]+got[429] != 1600 {
				t.Errorf("%d passed and %d were refused, want 1000 and 600", got[200], got[429])
			}
		})
	}
}

// Redis dies and comes back empty, under load.
func TestRedisRestartsUnderLoad(t *testing.T) {
	for _, tt := range []struct {
		unavailable string
		most        int
	}{
		{"local", 300 + 2*300}, // one more quota for each copy
		{"deny", 300},          // never over
	} {
		t.Run(tt.unavailable, func(t *testing.T) {
			redis := redistest.Start(t)
			all := copies(t, 2, redis, "requests: 300, per: 1h, on_unavailable: "+tt.unavailable)
			passed := storm(all, 25)[200]
			if passed != 200 {
				t.Fatalf("%d of 200 passed before", passed)
			}
			var during [600]int
			load := make(chan struct{})
			go func() {
				defer close(load)
				for _, d := range all {
					during[0] += storm([]*deployment{d}, 100)[200] // also while it is up: what was left
				}
			}()
			redis.Stop()
			<-load
			passed += during[0] + storm(all, 100)[200]
			redis.Start()
			for _, d := range all {
				d.untilStore(store.Up)
			}
			after := storm(all, 100)
			passed += after[200]
			if passed > tt.most {
				t.Errorf("%d passed, want %d at most", passed, tt.most)
			}
			if after[429] == 0 || after[503] != 0 {
				t.Errorf("after it came back: %d refused, %d unavailable", after[429], after[503])
			}
			if again := storm(all, 5); again[429] != 40 {
				t.Errorf("%d of 40 are refused at last", again[429])
			}
		})
	}
}

func TestStoreIsAway(t *testing.T) {
	redis := redistest.New(t)
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), sharingYAML(redis.Address, u.address, "requests: 1, per: 1h, on_unavailable: deny"))
	d.untilStore(store.Away)
	answer := dateLine.ReplaceAllString(d.do("GET /x HTTP/1.1\r\nHost: a\r\nX-Request-Id: some-id\r\n\r\n"), "")
	want := lines("HTTP/1.1 503 Service Unavailable", "Content-Type: application/problem+json", "Content-Length: 177",
		"Cache-Control: no-store", "X-Request-Id: some-id", "Retry-After: 5") +
		`{"type":"urn:postern:problem:limits_unavailable","title":"Limits cannot be checked right now","status":503,"instance":"urn:postern:request:some-id","code":"limits_unavailable"}` + "\n"
	if answer != want {
		t.Errorf("got\n%s\nwant\n%s", answer, want)
	}
	if reason := d.accessLine("some-id")["reason"]; reason != "limit shared: ask the store: store is away" {
		t.Errorf("reason %q", reason)
	}
	for series, value := range map[string]string{
		`postern_store_up`: "0", `postern_store_requests_total{outcome="away"}`: "1", `postern_store_requests_total{outcome="answered"}`: "0",
		`postern_throttle_alone_total{api="orders",rule="shared"}`: "1",
	} {
		if got := d.metric(series); got != value {
			t.Errorf("%s is %q, want %q", series, got, value)
		}
	}
	if s := d.shown().Store; s.Address != redis.Address || !strings.Contains(s.LastError, "refused") {
		t.Errorf("status %+v", s)
	}
	if code, body := d.get("/readyz", ""); code != 200 {
		t.Errorf("not ready: %s", body)
	}
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), "deny", "allow", 1)) })
	for range 3 {
		if answer := d.do(anything); status(answer) != 200 || strings.Contains(answer, "RateLimit") {
			t.Errorf("got %s", answer)
		}
	}
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), "allow", "local", 1)) })
	wantStatus(t, d.do(anything), 200)
	wantStatus(t, d.do(anything), 429)
	redis.Start()
	d.untilStore(store.Up)
	wantStatus(t, d.do(anything), 200) // Redis has counted none
	wantStatus(t, d.do(anything), 429)
	if got := d.metric(`postern_store_duration_seconds_bucket{le="+Inf"}`); got != "2" {
		t.Errorf("%q questions took some time, want 2", got)
	}
	if text := d.log.String(); strings.Count(text, `"msg":"store is away"`) != 1 || strings.Count(text, `"msg":"store is up"`) != 1 {
		t.Errorf("log:\n%s", text)
	}
}

// A reload that leaves the store alone leaves its connections alone; the last
// one that has it closes them.
func TestReloadKeepsTheStore(t *testing.T) {
	redis := redistest.Start(t)
	d := copies(t, 1, redis, "requests: 1000, per: 1h")[0]
	eventually(t, "all connections are there", func() bool { return d.shown().Store.Connections == 8 })
	ups := func() int { return strings.Count(d.log.String(), "store is up") }
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), "requests: 1000", "requests: 2000", 1)) })
	wantStatus(t, d.do(anything), 200)
	if ups() != 1 {
		t.Errorf("connected %d times", ups())
	}
	d.applied(func() {
		d.write("postern.yaml", strings.Replace(d.text(), "timeout: 5s", "timeout: 4s, connections: 3", 1))
	})
	d.untilStore(store.Up)
	clients := func(n string) func() bool {
		return func() bool { return strings.Contains(redis.Do("INFO", "clients"), "connected_clients:"+n+"\r\n") }
	}
	eventually(t, "only the new connections are left", clients("4")) // redis-cli is one
	wantStatus(t, d.do(anything), 200)
	text := strings.Replace(d.text(), ", store: redis", "", 1)
	before, after, _ := strings.Cut(text, "store:")
	_, after, _ = strings.Cut(after, "\n")
	d.applied(func() { d.write("postern.yaml", before+after) })
	eventually(t, "no connection is left", clients("1"))
	wantStatus(t, d.do(anything), 200)
	if d.metric("postern_store_up") != "" {
		t.Error("a store that is no more is counted")
	}
}
