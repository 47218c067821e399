package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern/gateway/store/redistest"
)

const hostile = `<img src=x onerror=alert(1)>`

// pageBundle has three APIs: one with tokens, one whose service is away, and
// one whose name would like to be HTML.
func pageBundle(target, away, iss, keys string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0", admin_path: /ops, user: operator, password: "pass:word"}
auth_servers:
- name: corp
  issuer: %q
  local_introspection: {%s}
  audience: {any: [orders]}
apis:
- name: orders
  version: "1.0"
  upstream: {targets: [{url: "http://%s/shop"}]}
  policies: {identify: {by: [jwt], auth_servers: [corp], applications: none}}
- name: away
  version: "1"
  upstream: {targets: [{url: "http://%s"}], health: {path: /, interval: 1s, unhealthy: 1}}
  policies: {identify: none}
- name: %q
  version: "2"
  base_path: /hostile
  hosts: [api.example.com]
  upstream: {targets: [{url: "http://%s"}]}
  policies: {protocols: [http], identify: none}
`, iss, keys, target, away, hostile, target)
}

func operator(d *deployment) view {
	return view{URL: "http://" + d.admin + "/", User: "operator", Password: "pass:word", Width: 1280, Height: 900, Scheme: "light"}
}

// The page for people, as a browser shows it while things happen.
func TestPage(t *testing.T) {
	b := openBrowser(t)
	first, second, odd := newSigner(t, "k1"), newSigner(t, "k2"), newSigner(t, hostile)
	i, u := openIssuer(t, first, odd), service(t)
	text := pageBundle(u, closedPort(t), i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys"))
	d := deploy(t, t.TempDir(), text)
	eventually(t, "keys", func() bool { return status(d.do(ask(first.sign(t, claims(i.URL, nil))))) == 200 })
	b.open(operator(d))

	t.Run("all is well", func(t *testing.T) {
		b.t = t
		b.sees("#state", "Ready")
		b.sees("#version", "v1")
		b.sees("#found", "3 APIs")
		b.sees("#apis li", "orders 1.0")
		b.sees("#apis li", "/gateway/orders/1.0")
		b.sees("#apis li .to", "http://"+u+"/shop")
		b.sees("#apis li:has-text('away 1') .to .bad", "unhealthy: dial tcp")
		b.misses("#apis li:has-text('orders 1.0') .to .bad", "")
		b.sees("#apis li .chip", "identify")
		b.sees("#apis li", "api.example.com /hostile")
		b.sees(".server", "Usable")
		b.sees(".server dd", i.URL)
		b.sees(".server .keys li", "k1")
		b.sees(".server .keys li", "ES256")
		b.sees(".server time", "ago")
		b.sees("#reload", "Last attempt succeeded")
		b.sees("#now", "Uptime")
		b.misses(".notice", "")
	})
	t.Run("what looks like HTML is text", func(t *testing.T) {
		b.t = t
		b.sees("#apis h3", hostile)
		b.sees(".keys code", hostile)
		wantValue(b, "document.querySelectorAll('img').length", 0.0)
	})
	t.Run("traffic", func(t *testing.T) {
		b.t = t
		token := first.sign(t, claims(i.URL, nil))
		stop := d.traffic(1, 200, func() string { return ask(token) })
		b.sees("#charts figure:has-text('Requests a second') li:has-text('2xx') b:not(:text-is('0')):not(:text-is('–'))", "")
		b.sees("#charts figure:has-text('Latency, to the last byte') li:has-text('p99') b:not(:text-is('–'))", "")
		b.sees("#charts figure:has-text('Latency of upstreams') li:has-text('p99') b:not(:text-is('–'))", "")
		b.sees("#charts figure:has-text('Tokens') li", "accepted")
		b.sees("#apis li:has-text('orders 1.0') .figure:not(:has-text('–'))", "/s")
		stop()
		var words string
		b.evaluate("document.querySelector('#charts svg[role=img]').getAttribute('aria-label')", &words)
		if !strings.HasPrefix(words, "Requests a second over ") || !strings.Contains(words, "2xx: now ") {
			t.Errorf("the chart in words: %q", words)
		}
	})
	t.Run("an upstream fails", func(t *testing.T) {
		b.t = t
		wantStatus(t, d.do("GET /gateway/away/1/ HTTP/1.1\r\nHost: a\r\n\r\n"), 502)
		b.sees("#charts figure:has-text('Problems') li", "upstream_failed")
		b.sees("#apis li:has-text('away 1') .figure .bad", "/s")
		b.enter("choose", "#order", "failures")
		b.sees("#apis li:first-child", "away 1")
	})
	t.Run("a bad configuration", func(t *testing.T) {
		b.t = t
		d.refused(func() {
			d.write("postern.yaml", strings.Replace(text, "  base_path: /hostile", fmt.Sprintf("  base_path: /hostile\n  %q: 1", hostile), 1))
		})
		b.sees("#state", "Ready") // it serves on
		b.sees(".notice.bad", "The last configuration was refused; the one before it serves")
		b.sees("#reload .report .where", fmt.Sprintf("%s:%d:3:", d.file, strings.Count(text[:strings.Index(text, "  base_path: /hostile")], "\n")+2))
		b.sees("#reload .report li", hostile)
		b.sees("#live", "The last configuration was refused")
		wantStatus(t, d.do(ask(first.sign(t, claims(i.URL, nil)))), 200)
		wantValue(b, "document.querySelectorAll('img').length", 0.0)
		d.applied(func() { d.write("postern.yaml", text+"\n# changed\n") })
		b.misses(".notice.bad", "")
		b.sees("#reload", "Last attempt succeeded")
		b.sees("#reload summary", "An earlier attempt was refused")
		b.click("#reload summary:has-text('earlier')")
		b.sees("#reload details .report li", hostile)
	})
	t.Run("keys are rotated, and fetched by keyboard", func(t *testing.T) {
		b.t = t
		i.serve(says(strings.Replace(setOf(newSigner(t, "k3"), second), `"use":"sig"`, `"use":"enc"`, 1)))
		tabTo(b, "Refresh now: keys of corp")
		b.press("Enter")
		b.sees(".server .said", "Keys fetched")
		b.sees(".server .keys li", "k2")
		b.misses(".server .keys li", "k1")
		b.sees(".server .keys li:has-text('k3')", `skipped: use is "enc", not sig`)
		wantValue(b, "document.activeElement.textContent", "Refresh now") // the focus stays
		b.sees("#live", "corp: Keys fetched")
	})
	b.t = t
	b.none("complaints")
	t.Run("the gateway is gone", func(t *testing.T) {
		b.t = t
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = d.Shutdown(ctx)
		b.sees(".notice.bad", "Cannot reach the gateway since")
		b.sees(".notice.bad", "Below is the old picture")
		b.sees("#state", "Unknown")
		b.sees("#apis li", "orders 1.0")
		b.sees("body.old #updated", "old, as of")
	})
	b.t = t
}

// An issuer that fails, and a process that is not ready, say so.
func TestPageNotReady(t *testing.T) {
	b := openBrowser(t)
	i, u := openIssuer(t), service(t)
	i.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	text := strings.Replace(pageBundle(u, u, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")), "  audience:", "  required: true\n  audience:", 1)
	d := deploy(t, t.TempDir(), text)
	b.open(operator(d))
	b.sees("#state", "Not ready")
	b.sees(".notice.bad", "no usable key set: auth servers corp")
	b.sees(".server", "No usable keys")
	b.sees(".server dd.bad", "unexpected status 500")
	b.none("complaints")
}

// A store that is away says so; when it comes, that is gone.
func TestPageStore(t *testing.T) {
	b := openBrowser(t)
	redis, u := redistest.New(t), service(t)
	text := strings.Replace(sharingYAML(redis.Address, u, "requests: 1, per: 1h"), "admin_api: {", `admin_api: {user: operator, password: "pass:word", `, 1)
	d := deploy(t, t.TempDir(), text)
	b.open(operator(d))
	b.sees(".notice.warn", "The store that copies share is away")
	b.sees(".notice.warn", "connection refused")
	b.sees("#now", "away")
	b.sees("#state", "Ready")
	redis.Start()
	b.misses(".notice", "The store")
	b.none("complaints")
}

// The page on a phone, by keyboard, in both schemes and with many APIs.
func TestPageIsUsable(t *testing.T) {
	b := openBrowser(t)
	key := newSigner(t, "a-rather-long-key-id-of-an-issuer-"+strings.Repeat("0123456789", 4))
	i, u := openIssuer(t, key), service(t)
	var text strings.Builder
	text.WriteString(pageBundle(u, closedPort(t), i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	for n := range 1000 {
		fmt.Fprintf(&text, "- {name: %s-%d, version: \"1\", upstream: {targets: [{url: \"http://%s\"}]}, policies: {identify: none}}\n", strings.Repeat("long", 12), n, u)
	}
	d := deploy(t, t.TempDir(), text.String())
	eventually(t, "keys", func() bool { return status(d.do(ask(key.sign(t, claims(i.URL, nil))))) == 200 })
	d.refused(func() { d.write("postern.yaml", "apis: "+strings.Repeat("x", 300)+": [") })

	v := operator(d)
	v.Axe = true
	b.open(v)
	b.sees("#found", "1,003 APIs")
	b.sees("#more", "Show 50 more of 953")
	b.sees("#reload .report li", "postern.yaml:1")
	b.sees("#apis .to .bad", "unhealthy")
	b.sees("#charts figure:has-text('Requests a second') li:has-text('2xx') b:not(:text-is('–'))", "")
	for _, scheme := range []string{"light", "dark"} {
		b.do(command{Do: "scheme", Scheme: scheme}, nil)
		b.none("axe")
		for _, width := range []int{320, 800, 1280} {
			b.do(command{Do: "resize", Width: width, Height: 700}, nil)
			wantValue(b, "document.documentElement.scrollWidth - innerWidth", 0.0)
		}
	}
	b.do(command{Do: "resize", Width: 320, Height: 700}, nil)
	b.none("axe")
	b.enter("fill", "#search", "long-999 identify")
	b.sees("#found", "0 of 1,003")
	b.enter("fill", "#search", "long-999")
	b.sees("#found", "1 of 1,003")
	b.sees("#apis li:first-child", "long-999")
	b.misses("#more", "")
	b.press("Home")
	wantValue(b, "document.activeElement.id", "search")
	b.click("#pause")
	b.sees("#updated", "paused")
	b.sees("#pause", "Resume updates")
	b.click("summary:has-text('readings')")
	b.sees("#readings thead", "upstream p99")

	b.open(v)
	b.sees("#state", "Ready")
	b.press("Tab")
	b.press("Enter")
	wantValue(b, "document.activeElement.id", "main")
}

// Nobody asks for what nobody looks at.
func TestPageRestsWhileHidden(t *testing.T) {
	b := openBrowser(t)
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), service(t)
	d := deploy(t, t.TempDir(), pageBundle(u, u, i.URL, fmt.Sprintf("jwks_uri: %q", i.URL+"/keys")))
	v := operator(d)
	v.Clock = true
	b.open(v)
	b.sees("#state", "Ready")
	b.evaluate("window.asked = 0; const was = fetch; window.fetch = (...how) => { asked++; return was(...how); }; null", nil)
	requests := func() (n int) {
		b.t.Helper()
		b.evaluate("asked", &n)
		return n
	}
	turn := func(hidden bool) {
		b.t.Helper()
		b.evaluate(fmt.Sprintf("Object.defineProperty(document, 'hidden', {value: %v, configurable: true}); document.dispatchEvent(new Event('visibilitychange')) && null", hidden), nil)
	}
	for _, tt := range []struct {
		name         string
		rest, resume func()
	}{
		{"hidden", func() { turn(true) }, func() { turn(false) }},
		{"paused", func() { b.click("#pause") }, func() { b.click("#pause") }},
	} {
		before := requests()
		eventually(t, "asking", func() bool { b.enter("pass", "", "00:03"); return requests() > before })
		tt.rest()
		before = requests()
		b.enter("pass", "", "10:00")
		if n := requests(); n != before {
			t.Errorf("%s: %d requests", tt.name, n-before)
		}
		tt.resume()
		eventually(t, "asking again", func() bool { return requests() > before })
	}
}

// service answers everything, and returns its address.
func service(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(says("ok"))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// wantValue waits for the value of an expression in the page.
func wantValue(b *browser, expression string, want any) {
	b.t.Helper()
	var got any
	for end := time.Now().Add(patience); ; pause(20 * time.Millisecond) {
		b.evaluate(expression, &got)
		if got == want {
			return
		}
		if time.Now().After(end) {
			b.t.Errorf("%s is %v, want %v", expression, got, want)
			return
		}
	}
}

// tabTo moves the focus from the top of the page to the control with a label,
// as somebody without a mouse does.
func tabTo(b *browser, label string) {
	b.t.Helper()
	for range 40 {
		b.press("Tab")
		var at string
		b.evaluate("document.activeElement.getAttribute('aria-label') ?? ''", &at)
		if at != label {
			continue
		}
		wantValue(b, "getComputedStyle(document.activeElement).outlineStyle", "solid")
		return
	}
	b.t.Fatalf("no way to %q by keyboard", label)
}
