package gateway

import (
	"os"
	"strings"
	"testing"
)

// A file is changed in each way that editors, people and Kubernetes have, while
// requests run on connections that stay open. Each change acts, and none of the
// requests notices.
func TestReloadWhileRequestsRun(t *testing.T) {
	key := newSigner(t, "k1")
	i, u, other := openIssuer(t, key), newTarget(t, always(ok)), newTarget(t, always(ok))
	text := orders(u.address, i.URL, everySecond(i.URL+"/keys"))
	token := key.sign(t, claims(i.URL, nil))
	away := strings.Replace(text, u.address, other.address, 1)
	inPlace := func(d *deployment, text string) {
		if err := os.WriteFile(d.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plainly := func(t testing.TB, dir, text string) *deployment { return deploy(t, dir, text) }
	for _, tt := range []struct {
		name   string
		start  func(testing.TB, string, string) *deployment
		change func(d *deployment, text string)
	}{
		{"renamed over it", plainly, func(d *deployment, text string) { d.write("postern.yaml", text) }},
		{"written in place", plainly, inPlace},
		{"removed and written", plainly, func(d *deployment, text string) { os.Remove(d.file); inPlace(d, text) }},
		{"links swapped", mount, func(d *deployment, text string) { d.swap(text) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.start(t, t.TempDir(), text)
			keep := dial(t, d.http)
			wantStatus(t, keep.do(ask(token)), 200)
			sent := d.traffic(3, 200, func() string { return ask(token) })
			for range 5 {
				for _, change := range []struct {
					text string
					to   *target
				}{{away, other}, {text, u}} {
					d.applied(func() { tt.change(d, change.text) })
					for len(change.to.seen) > 0 {
						<-change.to.seen
					}
					wantStatus(t, keep.do(ask(token)), 200)
					change.to.next()
				}
			}
			if n := sent(); n < 100 {
				t.Errorf("only %d requests", n)
			}
		})
	}
}

// What a change does not touch goes on as it was: connections to the upstream,
// keys, verified tokens, counters.
func TestReloadKeepsWhatIsUnchanged(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	text := orders(u.address, i.URL, "jwks_uri: \""+i.URL+"/keys\"")
	d := deploy(t, t.TempDir(), text)
	token := key.sign(t, claims(i.URL, nil))
	p := dial(t, d.http)
	const (
		answered = `postern_requests_total{api="orders/1.0",code="2xx"}`
		accepted = `postern_tokens_total{outcome="accepted"}`
		hits     = `postern_token_cache_hits_total`
		misses   = `postern_token_cache_misses_total`
		applied  = `postern_config_reloads_total{outcome="applied"}`
	)
	want := func(what string, series map[string]string) {
		t.Helper()
		for name, value := range series {
			eventually(t, name+" is "+value+" "+what, func() bool { return d.metric(name) == value })
		}
	}
	wantStatus(t, p.do(ask(token)), 200)
	wantStatus(t, p.do(ask(token)), 200)
	want("before", map[string]string{answered: "2", accepted: "2", hits: "1", misses: "1", applied: "1"})

	elsewhere := strings.Replace(text, "  resources:", "  resources:\n  - {path: /new, methods: [GET]}", 1)
	d.applied(func() { d.write("postern.yaml", elsewhere) })
	wantStatus(t, p.do(strings.Replace(ask(token), "/orders HTTP", "/new HTTP", 1)), 200)
	want("after a change of a resource", map[string]string{answered: "3", accepted: "3", hits: "2", misses: "1", applied: "2"})
	if n := u.accepted(); n != 1 {
		t.Errorf("%d upstream connections, want the first to go on", n)
	}

	// What connections of the upstream do not depend on, and then what they do.
	patient := strings.Replace(elsewhere, "/shop\"}]}", "/shop\"}], timeout: 20s}", 1)
	d.applied(func() { d.write("postern.yaml", patient) })
	if wantStatus(t, p.do(ask(token)), 200); u.accepted() != 1 {
		t.Errorf("%d upstream connections, want the first to go on", u.accepted())
	}
	slower := strings.Replace(elsewhere, "/shop\"}]}", "/shop\"}], keep_idle: 20s}", 1)
	d.applied(func() { d.write("postern.yaml", slower) })
	wantStatus(t, p.do(ask(token)), 200)
	want("after a change of the upstream", map[string]string{answered: "5", hits: "4", misses: "1"})
	if n := u.accepted(); n != 2 {
		t.Errorf("%d upstream connections, want a new one", n)
	}
	eventually(t, "the old upstream connection is closed", func() bool { return u.open.Load() == 1 })
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("%d fetches of the keys, want 1", n)
	}

	// The auth server's rules: tokens are judged anew, with the same keys.
	stricter := strings.Replace(slower, "jwks_uri", "clock_skew: 1s, jwks_uri", 1)
	d.applied(func() { d.write("postern.yaml", stricter) })
	wantStatus(t, p.do(ask(token)), 200)
	want("after a change of the rules", map[string]string{answered: "6", accepted: "6", hits: "4", misses: "2", applied: "5"})
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("%d fetches of the keys, want 1", n)
	}
}

// A file that is at fault changes nothing but what is said of it.
func TestBrokenReloadChangesNothing(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	text := orders(u.address, i.URL, "jwks_uri: \""+i.URL+"/keys\"")
	d := deploy(t, t.TempDir(), text)
	token := key.sign(t, claims(i.URL, nil))
	p := dial(t, d.http)
	wantStatus(t, p.do(ask(token)), 200)
	successful := func() string { return d.metric("postern_config_last_reload_successful") }
	hash := func() string { return d.reloader.Last().Hash }
	before := hash()
	for _, tt := range []struct{ name, text, report string }{
		{"not YAML", text + "\n\t{", "postern.yaml:"},
		{"unknown key", strings.Replace(text, "resources:", "resorces:", 1), `resorces`},
		{"no audience", strings.Replace(text, "  audience: {any: [orders]}\n", "", 1), "audience: missing"},
		{"key file missing", strings.Replace(text, "jwks_uri: \""+i.URL+"/keys\"", "jwks: nowhere.json", 1), "nowhere.json"},
		{"empty", "", "postern.yaml"},
		{"restart-only port", strings.Replace(text, "http: \"127.0.0.1:0\"", "http: \"127.0.0.1:1\"", 1), "ports.http: fixed while running; restart to change it"},
		{"restart-only limit", text + "limits: {connections: 5}\n", "limits.connections: fixed while running; restart to change it"},
		{"restart-only listener", strings.Replace(text, "listen: \"127.0.0.1:0\"", "listen: \"127.0.0.1:2\"", 1), "admin_api.listen: fixed while running; restart to change it"},
		{"not supported yet", strings.Replace(text, "  policies:\n", "  id: orders\n  policies:\n", 1), "not supported yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			logged := strings.Count(d.log.String(), "configuration refused")
			d.refused(func() { d.write("postern.yaml", tt.text) })
			wantStatus(t, p.do(ask(token)), 200)
			if got := successful(); got != "0" {
				t.Errorf("last reload successful: %s", got)
			}
			if got := hash(); got != before {
				t.Errorf("hash %s, want that of what runs, %s", got, before)
			}
			if _, body := d.get("/rest/microgateway/status", ""); !strings.Contains(body, `"success":false`) || !strings.Contains(body, tt.report) || !strings.Contains(body, d.file+":") && tt.name != "key file missing" {
				t.Errorf("status does not say %q: %s", tt.report, body)
			}
			if code, body := d.get("/readyz", ""); code != 200 {
				t.Errorf("readyz: %d %s", code, body)
			}
			eventually(t, "the log says so", func() bool { return strings.Count(d.log.String(), "configuration refused") > logged })
			if n := strings.Count(d.log.String(), "configuration refused") - logged; n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
	if got := d.metric(`postern_config_reloads_total{outcome="refused"}`); got != "9" {
		t.Errorf("%s reloads refused, want 9", got)
	}

	d.write("postern.yaml", text)
	eventually(t, "the last outcome is good again", func() bool { return successful() == "1" })
	if n := u.accepted(); n != 1 {
		t.Errorf("%d upstream connections, want 1", n)
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("%d fetches of the keys, want 1", n)
	}
}

// The files that the YAML names are followed as the YAML itself is.
func TestNamedFilesAreFollowed(t *testing.T) {
	first, second := newSigner(t, "k1"), newSigner(t, "k2")
	u, dir := newTarget(t, always(ok)), t.TempDir()
	put(t, dir+"/keys.json", setOf(first))
	put(t, dir+"/password", "one\n")
	text := strings.Replace(orders(u.address, "https://idp.example.com", "jwks: keys.json"),
		`admin_api: {`, `admin_api: {user: op, password: {file: password}, `, 1)
	d := deploy(t, dir, text)
	old, fresh := first.sign(t, claims("https://idp.example.com", nil)), second.sign(t, claims("https://idp.example.com", nil))
	wantStatus(t, d.do(ask(old)), 200)
	wantStatus(t, d.do(ask(fresh)), 401)

	d.applied(func() { d.write("keys.json", setOf(second)) })
	wantStatus(t, d.do(ask(old)), 401)
	wantStatus(t, d.do(ask(fresh)), 200)

	page := func(password string) int { code, _ := d.get("/metrics", "op:"+password); return code }
	if before, wrong := page("one"), page("two"); before != 200 || wrong != 401 {
		t.Errorf("before the change: %d with the password, %d with the next", before, wrong)
	}
	d.applied(func() { d.write("password", "two\n") })
	if after, stale := page("two"), page("one"); after != 200 || stale != 401 {
		t.Errorf("after the change: %d with the password, %d with the last", after, stale)
	}

	d.refused(func() { d.write("keys.json", `{"keys":[]}`) })
	wantStatus(t, d.do(ask(fresh)), 200)
}
