package introspect_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"postern/introspect"
	"postern/provisioning/config"
)

// keep runs test in a bubble of fake time, with a started Set over p.
func keep(t *testing.T, p http.RoundTripper, server config.AuthServer, test func(*testing.T, *introspect.Set, introspect.Introspector)) {
	t.Helper()
	rsaKeys()
	edKey()
	synctest.Test(t, func(t *testing.T) {
		set, view := openOver(t, p, server)
		set.Start()
		defer set.Close()
		synctest.Wait()
		test(t, set, view)
	})
}

// forAnHour is a token of s valid for an hour from now.
func forAnHour(s signer) string { return s.token(claims(time.Now(), "")) }

func TestFirstTokenWaitsForTheFirstFetch(t *testing.T) {
	p := newIDP(rsaSigner(0))
	p.delay = time.Second
	keep(t, p, withURL(), func(t *testing.T, _ *introspect.Set, view introspect.Introspector) {
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if n := p.count(); n != 1 {
			t.Errorf("%d fetches, want 1 shared by all", n)
		}
	})
}

// panicking stands for what no parser should do, and some do once.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("no such key") }

func TestAPanicWhileFetchingIsAFailedFetch(t *testing.T) {
	p, panics := newIDP(rsaSigner(0)), true
	over := roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := p.RoundTrip(req)
		if panics {
			panics = false
			resp.Body = io.NopCloser(panicking{})
		}
		return resp, err
	})
	keep(t, over, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		if failed := set.Status()[0].LastError; !strings.Contains(failed, "panic") {
			t.Errorf("last error is %q", failed)
		}
		time.Sleep(2 * time.Second)
		if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
			t.Error(err)
		}
	})
}

func TestASetThatIsNotStartedFetchesNothing(t *testing.T) {
	_, view := open(t, withURL())
	if err := judge(view, forAnHour(rsaSigner(0))); !errors.Is(err, introspect.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestIssuerAwayAtStart(t *testing.T) {
	p := newIDP(rsaSigner(0))
	p.status = 0
	server := withURL()
	server.Required = true
	keep(t, p, server, func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		if err := judge(view, forAnHour(rsaSigner(0))); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("without keys: %v", err)
		}
		if err := set.Ready(); err == nil || !strings.Contains(err.Error(), "corp") {
			t.Errorf("ready: %v", err)
		}
		p.change(func(p *idp) { p.status = 200 })
		time.Sleep(5 * time.Minute) // the longest back-off
		if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
			t.Errorf("with keys: %v", err)
		}
		if err := set.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
	})
}

func TestATokenBringsKeysBackSoonerThanTheBackoff(t *testing.T) {
	p := newIDP(rsaSigner(0))
	p.status = 0
	keep(t, p, withURL(), func(t *testing.T, _ *introspect.Set, view introspect.Introspector) {
		time.Sleep(time.Hour)
		p.change(func(p *idp) { p.status = 200 })
		if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
			t.Error(err)
		}
	})
}

func TestASlowIssuerHoldsNobodyLong(t *testing.T) {
	p := newIDP(rsaSigner(0))
	p.delay = time.Minute
	keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		begun := time.Now()
		if err := judge(view, forAnHour(rsaSigner(0))); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begun); waited != 2*time.Second {
			t.Errorf("waited %s, want 2s", waited)
		}
		time.Sleep(4 * time.Second)
		if st := set.Status()[0]; !strings.Contains(st.LastError, "Timeout") && !strings.Contains(st.LastError, "deadline") {
			t.Errorf("last error %q, want a timeout after 5s", st.LastError)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begun = time.Now()
		_, _ = view.Introspect(ctx, forAnHour(rsaSigner(0)), begun)
		if waited := time.Since(begun); waited > 100*time.Millisecond {
			t.Errorf("waited %s for a caller that left after 100ms", waited)
		}
	})
}

// Whatever the issuer answers later, no valid token is refused and no invalid
// one passes, until max_stale.
func TestIssuerFailingLater(t *testing.T) {
	tests := []struct {
		name   string
		change func(*idp)
	}{
		{"away", func(p *idp) { p.status = 0 }},
		{"status 500", func(p *idp) { p.status = 500 }},
		{"status 404", func(p *idp) { p.status = 404 }},
		{"304 that was not asked for", func(p *idp) { p.status = 304 }},
		{"empty set", func(p *idp) { p.body = `{"keys":[]}` }},
		{"no keys at all", func(p *idp) { p.body = `{}` }},
		{"null", func(p *idp) { p.body = `null` }},
		{"nothing usable", func(p *idp) {
			p.body = jwks(`{"kid":"ed","kty":"oct","k":"AAAA"}`, rsaSigner(1).jwk(`,"use":"enc"`))
		}},
		{"garbage", func(p *idp) { p.body = "<html>maintenance</html>" }},
		{"cut off", func(p *idp) { p.body = p.body[:len(p.body)/2] }},
		{"empty body", func(p *idp) { p.body = "" }},
		{"10 MB", func(p *idp) { p.body = strings.Repeat(" ", 10<<20) + p.body }},
		{"257 keys", func(p *idp) { p.body = jwks(strings.Split(strings.Repeat("{} ", 257), " ")[:257]...) }},
		{"slow", func(p *idp) { p.delay = time.Minute }},
	}
	otherEd := must2(ed25519.GenerateKey(nil))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newIDP(edSigner())
			keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
				if err := judge(view, forAnHour(edSigner())); err != nil {
					t.Fatal(err)
				}
				p.change(tt.change)
				for range 46 { // 23 hours
					time.Sleep(30 * time.Minute)
					if err := judge(view, forAnHour(edSigner())); err != nil {
						t.Fatalf("valid token: %v", err)
					}
					if err := judge(view, signer{"ed", "EdDSA", otherEd}.token(claims(time.Now(), ""))); !errors.Is(err, introspect.ErrSignature) {
						t.Fatalf("invalid token: %v", err)
					}
				}
				if st := set.Status()[0]; st.Failures < 46 || st.LastError == "" || !st.Usable {
					t.Errorf("status %+v", st)
				}
				fetches := p.count()
				time.Sleep(30 * time.Minute)
				if n := p.count() - fetches; n < 6 || n > 60 {
					t.Errorf("%d fetches in half an hour of failure", n)
				}
			})
		})
	}
}

func TestMaxStale(t *testing.T) {
	p := newIDP(rsaSigner(0))
	server := withURL()
	server.Local.MaxStale = config.Duration(2 * time.Hour)
	keep(t, p, server, func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		p.change(func(p *idp) { p.status = 503 })
		token := rsaSigner(0).token(fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, time.Now().Add(24*time.Hour).Unix()))
		time.Sleep(119 * time.Minute)
		if err := judge(view, token); err != nil {
			t.Fatalf("within max_stale: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if err := judge(view, token); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("cached token after max_stale: %v", err)
		}
		if err := judge(view, forAnHour(rsaSigner(0))); !errors.Is(err, introspect.ErrUnreachable) {
			t.Errorf("new token after max_stale: %v", err)
		}
		if set.Status()[0].Usable {
			t.Error("status says usable")
		}
		p.change(func(p *idp) { p.status = 200 })
		time.Sleep(5 * time.Minute)
		if err := judge(view, token); err != nil {
			t.Errorf("after a good fetch: %v", err)
		}
	})
}

func TestNextRefresh(t *testing.T) {
	tests := []struct {
		control  string
		refresh  time.Duration
		min, max time.Duration // before jitter
	}{
		{"", 15 * time.Minute, 15 * time.Minute, 15 * time.Minute},
		{"max-age=300", 15 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{"public, max-age=86400", 15 * time.Minute, 15 * time.Minute, 15 * time.Minute},
		{"max-age=1", 15 * time.Minute, time.Minute, time.Minute},
		{"no-store", 15 * time.Minute, time.Minute, time.Minute},
		{"max-age=1", 10 * time.Second, 10 * time.Second, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.control, " ", tt.refresh), func(t *testing.T) {
			p := newIDP(rsaSigner(0))
			p.control = tt.control
			server := withURL()
			server.Local.Refresh = config.Duration(tt.refresh)
			keep(t, p, server, func(t *testing.T, set *introspect.Set, _ introspect.Introspector) {
				for i := range 50 {
					due := time.Until(set.Status()[0].NextRefresh)
					if due < tt.min*9/10 || due > tt.max*11/10 {
						t.Fatalf("next refresh in %s, want %s to %s, give or take 10 %%", due, tt.min, tt.max)
					}
					time.Sleep(due)
					synctest.Wait()
					if n := p.count(); n != i+2 {
						t.Fatalf("%d fetches when the %dth was due", n, i+2)
					}
				}
			})
		})
	}
}

func TestNotModified(t *testing.T) {
	p := newIDP(rsaSigner(0))
	p.etag = `"v1"`
	server := withURL()
	server.Local.MaxStale = config.Duration(30 * time.Minute)
	keep(t, p, server, func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
		p.change(func(p *idp) { p.body = "not to be read" })
		time.Sleep(10 * time.Hour)
		if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
			t.Errorf("after 304s: %v", err)
		}
		if st := set.Status()[0]; st.Failures != 0 || time.Since(st.Fetched) > 20*time.Minute {
			t.Errorf("status %+v: a 304 is a good fetch", st)
		}
	})
}

func TestDiscovery(t *testing.T) {
	const address = "/main/.well-known/openid-configuration"
	tests := []struct {
		name, issuer, document string
		allowHTTP              bool
		want                   string // in the last error; empty: it works
	}{
		{"found", issuer, `{"issuer":"` + issuer + `","jwks_uri":"https://keys.example.com/certs"}`, false, ""},
		{"issuer ends in a slash", issuer + "/", `{"issuer":"` + issuer + `/","jwks_uri":"https://keys.example.com/certs"}`, false, ""},
		{"another issuer", issuer, `{"issuer":"https://evil.example","jwks_uri":"https://keys.example.com/certs"}`, false, `issuer "https://evil.example"`},
		{"issuer with a slash more", issuer, `{"issuer":"` + issuer + `/","jwks_uri":"https://keys.example.com/certs"}`, false, "discovery document is for issuer"},
		{"no issuer", issuer, `{"jwks_uri":"https://keys.example.com/certs"}`, false, `issuer ""`},
		{"no jwks_uri", issuer, `{"issuer":"` + issuer + `"}`, false, "no jwks_uri"},
		{"plain http", issuer, `{"issuer":"` + issuer + `","jwks_uri":"http://keys.example.com/certs"}`, false, "not https"},
		{"plain http to loopback", issuer, `{"issuer":"` + issuer + `","jwks_uri":"http://127.0.0.1/certs"}`, false, "not https"},
		{"plain http, allowed", issuer, `{"issuer":"` + issuer + `","jwks_uri":"http://keys.example.com/certs"}`, true, ""},
		{"garbage", issuer, `<html>`, false, "parse discovery document"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certs := newIDP(rsaSigner(0))
			discovery := &idp{status: 200, body: tt.document}
			both := roundTrip(func(req *http.Request) (*http.Response, error) {
				if req.URL.Path == address {
					return discovery.RoundTrip(req)
				}
				return certs.RoundTrip(req)
			})
			server := withURL()
			server.Issuer.Value = tt.issuer
			server.Local.JWKSURI, server.Local.Discovery, server.Local.AllowHTTP = "", true, tt.allowHTTP
			keep(t, both, server, func(t *testing.T, set *introspect.Set, view introspect.Introspector) {
				payload := fmt.Sprintf(`{"iss":%q,"exp":%d}`, tt.issuer, time.Now().Unix()+60)
				err := judge(view, rsaSigner(0).token(payload))
				last := set.Status()[0].LastError
				if tt.want == "" && (err != nil || last != "") {
					t.Errorf("token %v, last error %q", err, last)
				}
				if tt.want != "" && (!errors.Is(err, introspect.ErrUnreachable) || !strings.Contains(last, tt.want)) {
					t.Errorf("token %v, last error %q, want %q", err, last, tt.want)
				}
				if tt.want != "" && certs.count() > 0 {
					t.Error("keys were fetched all the same")
				}
			})
		})
	}
}

func TestEachFailedFetchIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	p := newIDP(rsaSigner(0))
	p.status = 500
	server := withURL()
	server.Local.JWKSURI += "?secret=hidden"
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		set, err := introspect.NewOver(p, []config.AuthServer{server}, defaults, zap.New(core))
		if err != nil {
			t.Fatal(err)
		}
		set.Start()
		defer set.Close()
		view := viewOf(t, set, server)
		token := forAnHour(rsaSigner(0))
		for range 100 {
			_ = judge(view, token)
		}
		if n := logs.FilterMessage("key set not refreshed").Len(); n != p.count() {
			t.Errorf("%d lines for %d failed fetches", n, p.count())
		}
		p.change(func(p *idp) { p.status, p.body = 200, jwks(rsaSigner(0).jwk(""), rsaSigner(1).jwk(`,"use":"enc"`)) })
		time.Sleep(24 * time.Hour)
		for _, message := range []string{"key set loaded", "key not used"} {
			if n := logs.FilterMessage(message).Len(); n != 1 {
				t.Errorf("%q is logged %d times over a day, want once", message, n)
			}
		}
		for _, line := range logs.All() {
			if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, token) || strings.Contains(text, "hidden") {
				t.Errorf("line shows what it must not: %s", text)
			}
		}
	})
}

func TestRefreshOnRequest(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, set *introspect.Set, _ introspect.Introspector) {
		for range 10 {
			if err := set.Refresh(t.Context(), "corp"); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.count(); n != 11 {
			t.Errorf("%d fetches, want 11", n)
		}
		p.change(func(p *idp) { p.body = "{}" })
		if err := set.Refresh(t.Context(), "corp"); err == nil || !strings.Contains(err.Error(), "key set is empty") {
			t.Errorf("empty set: %v", err)
		}
		if err := set.Refresh(t.Context(), "nobody"); err == nil {
			t.Error("unknown auth server: no error")
		}
		set.Close()
		if err := set.Refresh(t.Context(), "corp"); err == nil {
			t.Error("closed: no error")
		}
	})
}
