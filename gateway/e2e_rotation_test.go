package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Keys change while requests run. No valid token is refused, and no token whose
// key is gone, or that nobody signed, ever passes.
func TestKeyRotationUnderLoad(t *testing.T) {
	first, second, third := newSigner(t, "k1"), newSigner(t, "k2"), newSigner(t, "k3")
	i, u := openIssuer(t, first), newTarget(t, always(ok))
	// Only tokens of unknown keys make the gateway ask again.
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q, unknown_kid_interval: 1s", i.URL+"/keys")))

	var valid atomic.Pointer[string]
	use := func(s *signer) string {
		token := s.sign(t, claims(i.URL, nil))
		valid.Store(&token)
		return token
	}
	oldest := use(first)
	wantStatus(t, d.do(ask(oldest)), 200)
	good := d.traffic(4, 200, func() string { return ask(*valid.Load()) })
	forged := newSigner(t, "k1").sign(t, claims(i.URL, nil))
	expired := first.sign(t, claims(i.URL, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}))
	var turn atomic.Uint64
	bad := d.traffic(2, 401, func() string { return ask([]string{forged, expired, "opaque"}[turn.Add(1)%3]) })

	next := oldest
	for n, s := range []*signer{second, third} {
		i.publish([]*signer{first, second, third}[:n+2]...)
		next = use(s) // at once: the gateway has not seen the key yet
		wantStatus(t, d.do(ask(next)), 200)
		wantStatus(t, d.do(ask(oldest)), 200)
	}
	old, last := second.sign(t, claims(i.URL, nil)), newSigner(t, "k4")
	wantStatus(t, d.do(ask(old)), 200)
	i.publish(third, last)
	wantStatus(t, d.do(ask(last.sign(t, claims(i.URL, nil)))), 200)
	for range 100 {
		wantStatus(t, d.do(ask(oldest)), 401)
		wantStatus(t, d.do(ask(old)), 401)
	}
	wantStatus(t, d.do(ask(next)), 200)
	if n := good(); n < 100 {
		t.Errorf("only %d valid requests", n)
	}
	if n := bad(); n < 50 {
		t.Errorf("only %d invalid requests", n)
	}
	if n := i.fetches.Load(); n != 4 {
		t.Errorf("%d fetches of the keys, want 4", n)
	}
	noAttempts(t, d, "forged", forged)
}

// noAttempts fails the test when the token gets anything but a refusal.
func noAttempts(t *testing.T, d *deployment, name, token string) {
	t.Helper()
	request := strings.Replace(ask(token), "\r\n\r\n", "\r\nX-Request-Id: "+name+"\r\n\r\n", 1)
	wantStatus(t, d.do(request), 401)
	if line := d.accessLine(name); line["attempts"] != 0.0 {
		t.Errorf("access line %v", line)
	}
}

// A key that is taken back stops its tokens with the next refresh, also those
// that have just been believed.
func TestRemovedKeyIsNoticed(t *testing.T) {
	first, second := newSigner(t, "k1"), newSigner(t, "k2")
	i, u := openIssuer(t, first, second), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")))
	old, valid := ask(first.sign(t, claims(i.URL, nil))), ask(second.sign(t, claims(i.URL, nil)))
	wantStatus(t, d.do(old), 200)
	good := d.traffic(2, 200, func() string { return valid })
	i.publish(second)
	eventually(t, "the old token is refused", func() bool { return status(d.do(old)) == 401 })
	for range 50 {
		wantStatus(t, d.do(old), 401)
	}
	if n := good(); n < 50 {
		t.Errorf("only %d valid requests", n)
	}
}

// outages are what an issuer can answer in place of its keys.
func outages(set, elsewhere string) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"away":             away,
		"empty set":        says(`{"keys":[]}`),
		"empty object":     says(`{}`),
		"nothing":          says(""),
		"garbage":          says("<html>maintenance</html>"),
		"cut":              says(set[:len(set)-3]),
		"ten megabytes":    huge(set),
		"slow":             drips(set),
		"internal error":   fails(500),
		"not found":        fails(404),
		"no content":       fails(204),
		"redirect":         redirects(elsewhere),
		"shared keys only": says(`{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}`),
	}
}

// An issuer that cannot be asked at the start is waited for: requests and
// readiness say so, and the first good answer ends it.
func TestIssuerAwayAtStart(t *testing.T) {
	t.Cleanup(func() { noneLeft(t) })
	key := newSigner(t, "k1")
	stranger := openIssuer(t, newSigner(t, "k1"))
	away := outages(setOf(key), strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1)+"/keys")
	var all sync.WaitGroup // at once: they mostly wait
	for name, script := range away {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				i, u := openIssuer(t), newTarget(t, always(ok))
				i.serve(script)
				text := strings.Replace(orders(u.address, i.URL, everySecond(i.URL+"/keys")), "  audience:", "  required: true\n  audience:", 1)
				d := deploy(t, t.TempDir(), text)
				token := key.sign(t, claims(i.URL, nil))

				request := strings.Replace(ask(token), "\r\n\r\n", "\r\nX-Request-Id: r-1\r\n\r\n", 1)
				unavailable := refusal("503 Service Unavailable", "keys_unavailable", "Tokens cannot be checked right now", "Retry-After: 5")
				if diff := cmp.Diff(unavailable, steady(d.do(request))); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if line := d.accessLine("r-1"); !strings.Contains(line["reason"].(string), "no usable key set") {
					t.Errorf("access line %v", line)
				}
				code, body := d.get("/readyz", "")
				if want := `{"ready":false,"reasons":["no usable key set: auth servers corp"]}` + "\n"; code != 503 || body != want {
					t.Errorf("readyz: %d %s, want %s", code, body, want)
				}
				if code, _ := d.get("/livez", ""); code != 200 {
					t.Errorf("livez: %d", code)
				}

				i.publish(key)
				i.CloseClientConnections() // nor is what hangs waited for
				eventually(t, "ready", func() bool { code, _ := d.get("/readyz", ""); return code == 200 })
				wantStatus(t, d.do(ask(token)), 200)
				wantStatus(t, d.do(ask(newSigner(t, "k1").sign(t, claims(i.URL, nil)))), 401)
			})
		})
	}
	all.Wait()
}

// An issuer that fails later costs nobody anything: its keys stay.
func TestIssuerFailsLater(t *testing.T) {
	t.Cleanup(func() { noneLeft(t) })
	key, fresh := newSigner(t, "k1"), newSigner(t, "k2")
	stranger := openIssuer(t, newSigner(t, "k1"))
	failures := outages(setOf(key), strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1)+"/keys")
	var all sync.WaitGroup // at once: they mostly wait
	for name, script := range failures {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				i, u := openIssuer(t, key), newTarget(t, always(ok))
				d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")))
				token := key.sign(t, claims(i.URL, nil))
				wantStatus(t, d.do(ask(token)), 200)

				pace := time.NewTicker(2 * time.Millisecond)
				defer pace.Stop()
				good := d.traffic(1, 200, func() string { <-pace.C; return ask(key.sign(t, claims(i.URL, nil))) })
				before := i.fetches.Load()
				i.serve(script)
				eventually(t, "a fetch", func() bool { return i.fetches.Load() > before })
				eventually(t, "its failure in the status", func() bool {
					_, body := d.get("/rest/microgateway/status", "")
					return name == "slow" || strings.Contains(body, `"last_error":"`)
				})
				wantStatus(t, d.do(ask(token)), 200)
				wantStatus(t, d.do(ask(newSigner(t, "k1").sign(t, claims(i.URL, nil)))), 401)
				wantStatus(t, d.do(ask(fresh.sign(t, claims(i.URL, nil)))), 401)
				if code, body := d.get("/readyz", ""); code != 200 {
					t.Errorf("readyz: %d %s", code, body)
				}

				i.publish(key, fresh)
				i.CloseClientConnections() // nor is what hangs waited for
				eventually(t, "the new key", func() bool { return status(d.do(ask(fresh.sign(t, claims(i.URL, nil))))) == 200 })
				if n := good(); n < 10 {
					t.Errorf("only %d requests meanwhile", n)
				}
			})
		})
	}
	all.Wait()
}

// Keys that nobody has confirmed for max_stale are not believed any longer, and
// are again once they have been.
func TestStaleKeysAreNotBelieved(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")+", max_stale: 2s"))
	token := key.sign(t, claims(i.URL, nil))
	wantStatus(t, d.do(ask(token)), 200)

	i.serve(away)
	gone := time.Now()
	var until time.Duration
	eventually(t, "503", func() bool {
		begun := time.Since(gone)
		if status(d.do(ask(token))) == 200 {
			until = begun
			return false
		}
		return true
	})
	if until > 2100*time.Millisecond {
		t.Errorf("believed for %v", until)
	}
	got := steady(d.do(ask(token)))
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, `"code":"keys_unavailable"`) {
		t.Errorf("got %q", got)
	}
	i.publish(key)
	eventually(t, "200", func() bool { return status(d.do(ask(token))) == 200 })
}

// A fetch that was under way when a key appeared may bring the set from before.
// Who waits for the key is not refused because of that.
func TestKeyThatAppearsDuringAFetch(t *testing.T) {
	first, second := newSigner(t, "k1"), newSigner(t, "k2")
	i, u := openIssuer(t, first), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, everySecond(i.URL+"/keys")))
	wantStatus(t, d.do(ask(first.sign(t, claims(i.URL, nil)))), 200)

	asked, release := make(chan struct{}), make(chan struct{})
	i.serve(func(w http.ResponseWriter, r *http.Request) {
		i.publish(first, second) // from the next fetch on
		close(asked)
		<-release
		says(setOf(first))(w, r)
	})
	<-asked
	p := dial(t, d.http)
	p.send(ask(second.sign(t, claims(i.URL, nil))))
	eventually(t, "the token waits", func() bool {
		_, body := d.get("/rest/microgateway/status", "")
		return strings.Contains(body, `"unknown_kids":1`)
	})
	close(release)
	wantStatus(t, p.answer("GET"), 200)
}

// Nobody can make the gateway flood an issuer, and who tries holds nobody up.
func TestUnknownKidsDoNotFloodTheIssuer(t *testing.T) {
	key := newSigner(t, "k1")
	i, u := openIssuer(t, key), newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), orders(u.address, i.URL, fmt.Sprintf("jwks_uri: %q, unknown_kid_interval: 30s", i.URL+"/keys")))
	token := key.sign(t, claims(i.URL, nil))
	wantStatus(t, d.do(ask(token)), 200)
	before := i.fetches.Load()
	good := d.traffic(2, 200, func() string { return ask(token) })
	var n atomic.Int64
	bad := d.traffic(4, 401, func() string {
		s := *key
		s.kid = fmt.Sprintf("unknown-%d", n.Add(1))
		return ask(s.sign(t, claims(i.URL, nil)))
	})
	eventually(t, "a flood", func() bool { return n.Load() > 500 })
	good()
	bad()
	if more := i.fetches.Load() - before; more < 1 || more > 3 {
		t.Errorf("%d fetches for %d unknown kids, want 1 to 3", more, n.Load())
	}
}
