package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/gateway/admin"
)

// post asks the admin listener to do something.
func (d *deployment) post(path string, fields ...string) (code int, body string) {
	d.t.Helper()
	p := dial(d.t, d.admin)
	defer p.Close()
	answer := p.do(lines(append([]string{"POST " + path + " HTTP/1.1", "Host: " + d.admin, "Content-Length: 0"}, fields...)...))
	return status(answer), payload(answer)
}

// reloadShown is the status' section on reloads.
func (d *deployment) reloadShown() admin.Reload {
	d.t.Helper()
	_, body := d.get("/rest/microgateway/status", "")
	var status struct{ Reload admin.Reload }
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		d.t.Fatalf("%v: %s", err, body)
	}
	return status.Reload
}

// An operator has keys fetched at once, but cannot hammer an issuer.
func TestOperatorRefreshesKeys(t *testing.T) {
	old, next := newSigner(t, "k1"), newSigner(t, "k2")
	i, u := openIssuer(t, old), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	wantStatus(t, d.do(ask(old.sign(t, claims(i.URL, nil)))), 200)
	const path = "/rest/microgateway/auth_servers/corp/refresh"

	if code, body := d.post(path, "Sec-Fetch-Site: cross-site"); code != 403 {
		t.Errorf("for another site: %d %s", code, body)
	}
	if code, body := d.post("/rest/microgateway/auth_servers/nobody/refresh"); code != 404 {
		t.Errorf("of nobody: %d %s", code, body)
	}
	i.publish(next)
	before := i.fetches.Load()
	code, body := d.post(path, "Origin: http://"+d.admin)
	if code != 200 || !strings.Contains(body, `"keys":[{"id":"k2"`) || i.fetches.Load() != before+1 {
		t.Errorf("after a rotation: %d %s, %d fetches", code, body, i.fetches.Load()-before)
	}
	wantStatus(t, d.do(ask(old.sign(t, claims(i.URL, nil)))), 401)
	for range 20 {
		if code, body := d.post(path); code != 429 {
			t.Errorf("at once again: %d %s", code, body)
		}
	}
	if n := i.fetches.Load(); n > before+2 { // the old key's token may have asked for one
		t.Errorf("the issuer was asked %d times", n-before)
	}
	wantStatus(t, d.do(lines("POST "+path+" HTTP/1.1", "Host: h", "Content-Length: 0")), 404) // not on the traffic ports

	d.refreshes.mu.Lock()
	clear(d.refreshes.last) // as if the pause had passed
	d.refreshes.mu.Unlock()
	i.serve(fails(500))
	if code, body := d.post(path); code != 502 || !strings.Contains(body, "unexpected status 500") {
		t.Errorf("with a broken issuer: %d %s", code, body)
	}
}

func TestRefreshesOfDifferentServers(t *testing.T) {
	r, now := new(refreshes), time.Now()
	for _, tt := range []struct {
		server string
		after  time.Duration
		want   bool
	}{
		{"a", 0, true},
		{"a", 0, false},
		{"b", time.Second, true},
		{"a", 4 * time.Second, false},
		{"a", 5 * time.Second, true},
		{"b", 5 * time.Second, false},
		{"a", 9 * time.Second, false},
	} {
		if got := r.begin(tt.server, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s after %v: %v", tt.server, tt.after, got)
		}
	}
}

// What went wrong stays to be seen after it has been put right.
func TestLastFailureStays(t *testing.T) {
	u := newTarget(t, always(ok))
	text := fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis: [{name: a, version: "1", base_path: /, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}]
`, u.address)
	d := deploy(t, t.TempDir(), text)
	first := d.reloadShown()
	if first.LastFailure != nil || first.Since.IsZero() || first.Generation != 1 || len(first.Hash) != 64 {
		t.Errorf("at first: %+v", first)
	}
	d.refused(func() { d.write("postern.yaml", text+"nonsense: true\n") })
	bad := d.reloadShown()
	if bad.Success || bad.LastFailure == nil || !strings.Contains(strings.Join(bad.LastFailure.Report, ""), "nonsense") || !bad.Since.Equal(first.Since) {
		t.Errorf("after a failure: %+v", bad)
	}
	d.applied(func() { d.write("postern.yaml", text+"trusted_proxies: [10.0.0.1]\n") })
	good := d.reloadShown()
	if !good.Success || len(good.Report) != 0 || good.LastFailure == nil || !good.LastFailure.When.Equal(bad.LastFailure.When) {
		t.Errorf("after a success: %+v", good)
	}
	if good.Generation != 2 || good.Hash == first.Hash || !good.Since.After(first.Since) {
		t.Errorf("what runs: %+v, before %+v", good, first)
	}
}

// The hash is that of what may be known: a rotated secret makes a generation,
// and no other hash.
func TestHashHoldsNoSecret(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/password", "one")
	u := newTarget(t, always(ok))
	d := deploy(t, dir, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0", user: op, password: {file: password}}
apis: [{name: a, version: "1", base_path: /, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}]
`, u.address))
	before := d.live.Load().hash
	d.applied(func() { d.write("password", "two") })
	if d.running().Reload.Generation != 2 || d.live.Load().hash != before {
		t.Error("another password makes another hash")
	}
	internal := d.reloader.Last().Hash
	_, status := d.get("/rest/microgateway/status", "op:two")
	_, metrics := d.get("/metrics", "op:two")
	for where, text := range map[string]string{"status": status, "metrics": metrics, "log": d.log.String()} {
		if strings.Contains(text, internal) {
			t.Errorf("the %s shows the hash that secrets are part of", where)
		}
	}
	for where, text := range map[string]string{"status": status, "metrics": metrics} {
		if !strings.Contains(text, `"`+before+`"`) {
			t.Errorf("the %s does not show the hash", where)
		}
	}
}

// A gateway that shuts down lives, is not ready, and says why.
func TestDrainingIsNotReady(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
shutdown: {delay: 1h}
apis: [{name: a, version: "1", base_path: /, upstream: {targets: [{url: "http://%s"}]}, policies: {identify: none}}]
`, u.address))
	d.draining.Store(true) // the first thing that a shutdown does
	for path, want := range map[string]string{
		"/livez":  `200 ok`,
		"/readyz": `503 {"ready":false,"reasons":["shutting down"]}` + "\n",
	} {
		if code, body := d.get(path, ""); fmt.Sprint(code, " ", body) != want {
			t.Errorf("%s: %d %s, want %s", path, code, body, want)
		}
	}
	wantStatus(t, d.do(lines("GET /x HTTP/1.1", "Host: h")), 200)
}

// Keys from a file have nothing to fetch; asking for it is no mistake.
func TestOperatorRefreshesKeysOfAFile(t *testing.T) {
	key, u, dir := newSigner(t, "k1"), newTarget(t, always(ok)), t.TempDir()
	put(t, dir+"/keys.json", setOf(key))
	d := deploy(t, dir, orders(u.address, "https://idp.example.com", "jwks: keys.json"))
	code, body := d.post("/rest/microgateway/auth_servers/corp/refresh")
	if code != 200 || !strings.Contains(body, `"keys":[{"id":"k1"`) {
		t.Errorf("%d %s", code, body)
	}
}
