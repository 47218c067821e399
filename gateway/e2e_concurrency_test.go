package gateway

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bounded is the YAML of an API that takes few requests at once.
func bounded(target, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
%s
policies:
- {name: tight, when: {apis: [tight]}, policies: {concurrency: {max: 1}}}
apis:
- {name: few, upstream: {targets: [{url: "http://%[2]s"}]}, policies: {identify: none, concurrency: {max: 1}}}
- {name: tight, upstream: {targets: [{url: "http://%[2]s"}]}, policies: {identify: none}}
- {name: queue, upstream: {targets: [{url: "http://%[2]s"}]}, policies: {identify: none, concurrency: {max: 1, queue: {size: 1, wait: 1m}}}}
- name: scoped
  upstream: {targets: [{url: "http://%[2]s"}]}
  resources: [{path: /slow, scopes: [slow]}, {path: /fast}]
  scopes: [{name: slow, policies: {concurrency: {max: 1}}}]
  policies: {identify: none, concurrency: {max: 2}}
- {name: learned, upstream: {targets: [{url: "http://%[2]s"}]}, policies: {identify: none, concurrency: {adaptive: true}}}
`, more, target)
}

// held is a target that answers a request when the test says so.
func held(t testing.TB) (u *target, answer func()) {
	go1 := make(chan struct{})
	u = newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			u.seen <- request
			select {
			case <-go1:
			case <-t.Context().Done():
				return
			}
			p.send(ok)
		}
	})
	return u, func() { go1 <- struct{}{} }
}

// Of more requests than may be under way, the others wait or are refused, whole.
func TestConcurrencyFromOutside(t *testing.T) {
	u, answer := held(t)
	d := deploy(t, t.TempDir(), bounded(u.address, ""))
	refused := refusal("503 Service Unavailable", "overloaded", "The gateway has too much to do", "Retry-After: 1")
	request := func(path string) string {
		return lines("GET /gateway/"+path+" HTTP/1.1", "Host: h", "X-Request-Id: r-1")
	}
	begin := func(path string) *peer {
		p := dial(t, d.http)
		t.Cleanup(func() { p.Close() })
		p.send(request(path))
		return p
	}
	taken := regexp.MustCompile(`(?m)^postern_concurrency_pending\{.*\} [1-9]`)
	free := func() { // an answer may have been read before its place is free
		t.Helper()
		eventually(t, "all places are free", func() bool {
			_, page := d.get("/metrics", "")
			return !taken.MatchString(page)
		})
	}
	for _, tt := range []struct{ name, runs, asks string }{
		{"an API", "few/x", "few/x"},
		{"a global policy", "tight/x", "tight/x"},
		{"a scope", "scoped/slow", "scoped/slow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := begin(tt.runs)
			u.next()
			if diff := cmp.Diff(refused, steady(d.do(request(tt.asks)))); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			answer()
			wantStatus(t, p.answer("GET"), 200)
			free()
		})
	}
	t.Run("another resource of the API", func(t *testing.T) {
		p, q := begin("scoped/slow"), begin("scoped/fast")
		u.next()
		u.next()
		wantStatus(t, d.do(request("scoped/fast")), 503)
		answer()
		answer()
		wantStatus(t, p.answer("GET"), 200)
		wantStatus(t, q.answer("GET"), 200)
		free()
	})
	t.Run("a queue", func(t *testing.T) {
		p := begin("queue/x")
		u.next()
		q := begin("queue/x")
		eventually(t, "one waits", func() bool { return d.metric(`postern_concurrency_waiting{api="queue",at="api"}`) == "1" })
		wantStatus(t, d.do(request("queue/x")), 503)
		answer()
		wantStatus(t, p.answer("GET"), 200)
		u.next()
		answer()
		wantStatus(t, q.answer("GET"), 200)
		free()
	})
	for series, want := range map[string]string{
		`postern_concurrency_limit{api="tight",at="policy tight"}`: "1", `postern_concurrency_limit{api="learned",at="api"}`: "20",
		`postern_concurrency_limit{api="scoped",at="api"}`: "2",
	} {
		if got := d.metric(series); got != want {
			t.Errorf("%s %q, want %s", series, got, want)
		}
	}
}

// A reload does not forget who is under way.
func TestConcurrencyOutlivesReloads(t *testing.T) {
	u, answer := held(t)
	d := deploy(t, t.TempDir(), bounded(u.address, ""))
	p := dial(t, d.http)
	defer p.Close()
	p.send(lines("GET /gateway/few/x HTTP/1.1", "Host: h"))
	u.next()
	d.applied(func() { d.write("postern.yaml", bounded(u.address, "logging: {query: true}")) })
	wantStatus(t, d.do(lines("GET /gateway/few/x HTTP/1.1", "Host: h")), 503)
	answer()
	wantStatus(t, p.answer("GET"), 200)
	eventually(t, "its place is free", func() bool { return d.metric(`postern_concurrency_pending{api="few",at="api"}`) == "0" })
}
