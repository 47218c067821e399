package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answers outlive reloads that leave their section as it is, and an operator can
// have them forgotten.
func TestCacheIsKeptAndPurged(t *testing.T) {
	u := newOrigin(t, map[string]string{"/a": answerOf("a", "Cache-Control: max-age=600")})
	d := deploy(t, t.TempDir(), keeping(u.address, ""))
	get := func(api string) int {
		wantStatus(t, d.do(lines("GET /gateway/"+api+"/a HTTP/1.1", "Host: h")), 200)
		return u.asked()
	}
	purge := func(name string, want int, body string) {
		t.Helper()
		request, err := http.NewRequest("POST", "http://"+d.admin+"/rest/microgateway/apis/"+name+"/cache/purge", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("purge %s: status %d, want %d", name, answer.StatusCode, want)
		}
		if got, err := io.ReadAll(answer.Body); err != nil || !strings.HasPrefix(string(got), body) {
			t.Errorf("purge %s: %s (%v)", name, got, err)
		}
	}
	if first, again := get("open"), get("open"); first != 1 || again != 0 {
		t.Fatalf("asked %d times, then %d times", first, again)
	}
	d.applied(func() {
		d.write("postern.yaml", keeping(u.address, "- {name: more, upstream: {targets: [{url: \"http://"+u.address+"\"}]}, policies: {identify: none}}\n"))
	})
	if n := get("open"); n != 0 {
		t.Errorf("after a reload it was asked %d times", n)
	}
	purge("open", 200, `{"api":"open","entries":1,"bytes":`)
	if n := get("open"); n != 1 {
		t.Errorf("after a purge it was asked %d times", n)
	}
	purge("off", 404, `{"error":"purge \"off\": there is no such API, or it keeps no answers"}`)
	purge("nobody", 404, `{"error":`)
	d.applied(func() {
		d.write("postern.yaml", strings.Replace(keeping(u.address, ""), "cache: {}", "cache: {size: 1MiB}", 1))
	})
	if n := get("open"); n != 1 {
		t.Errorf("after a change of its section it was asked %d times", n)
	}
}

// The nearest level says what is kept.
func TestCacheOfTheNearestLevel(t *testing.T) {
	u := newOrigin(t, map[string]string{})
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
policies:
- {name: all, policies: {cache: {mode: ttl, ttl: 1h}}}
apis:
- {name: plain, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
- name: scoped
  upstream: {targets: [{url: "http://%[1]s"}]}
  resources: [{path: /kept, scopes: [kept]}, {path: /live}]
  scopes: [{name: kept, policies: {cache: {}}}]
  policies: {identify: none, cache: none}
`, u.address))
	for path, want := range map[string]int{"/plain/x": 1, "/scoped/kept": 1, "/scoped/live": 2} {
		for range 2 {
			wantStatus(t, d.do(lines("GET /gateway"+path+" HTTP/1.1", "Host: h")), 200)
		}
		if n := u.asked(); n != want {
			t.Errorf("%s: asked %d times, want %d", path, n, want)
		}
	}
	if got := d.metric(`postern_cache_hits_total{api="scoped",at="scope kept"}`); got != "1" {
		t.Errorf("hits %q", got)
	}
	if got := d.metric(`postern_cache_entries{api="plain",at="policy all"}`); got != "1" {
		t.Errorf("entries %q", got)
	}
}
