package introspect_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/introspect"
	"postern/provisioning/config"
)

// TestRemoteRevokedStaysRevoked: once the authorization server has taken its
// word back, an older answer does not serve when it is away.
func TestRemoteRevokedStaysRevoked(t *testing.T) {
	for _, inactive := range []config.Duration{config.None, config.Duration(10 * time.Second)} {
		t.Run(fmt.Sprint(inactive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := saying(`{"active":true,"sub":"alice"}`)
				view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) {
					r.Stale, r.Cache.Inactive = config.Duration(time.Hour), inactive
				}))
				if err := judge(view, "t"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(61 * time.Second) // the answer has to be asked for again
				a.change(func(a *authority) { a.answer = func(string) (int, string) { return 200, `{"active":false}` } })
				if err := judge(view, "t"); !errors.Is(err, introspect.ErrInactive) {
					t.Fatal(err)
				}
				time.Sleep(11 * time.Second)
				a.change(func(a *authority) { a.answer = func(string) (int, string) { return 503, "" } })
				if err := judge(view, "t"); !errors.Is(err, introspect.ErrNoAnswer) {
					t.Errorf("a revoked token while the server is away: %v", err)
				}
			})
		})
	}
}

// TestRemoteStaleEndsWhileAsking: an answer that ends while the server is waited
// for does not serve.
func TestRemoteStaleEndsWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(62 * time.Second)
		a := saying(fmt.Sprintf(`{"active":true,"exp":%d}`, end.Unix()))
		view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) { r.Stale = config.Duration(time.Hour) }))
		if err := judge(view, "t"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		a.change(func(a *authority) { a.delay = time.Hour }) // until the timeout, past exp
		if err := judge(view, "t"); !errors.Is(err, introspect.ErrNoAnswer) {
			t.Errorf("%s after its exp: %v", time.Since(end), err)
		}
	})
}

// TestRemoteOddTokens: a stranger who sends tokens with which the authorization
// server, or what guards it, cannot cope keeps nobody else out.
func TestRemoteOddTokens(t *testing.T) {
	for name, odd := range map[string]func() (int, string){
		"guarded":   func() (int, string) { return 403, "" },
		"confused":  func() (int, string) { return 500, "" },
		"too long":  func() (int, string) { return 413, "" },
		"nonsense":  func() (int, string) { return 200, `{"active":true,"a":1,"a":2}` },
		"long":      func() (int, string) { return 200, `{"active":true,"a":"` + strings.Repeat("a", 2<<20) + `"}` },
		"long, too": func() (int, string) { return 200, `{"active":true,"a":"` + strings.Repeat("a", 70<<10) + `"}` },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &authority{answer: func(token string) (int, string) {
					if token == "good" {
						return 200, `{"active":true}`
					}
					return odd()
				}}
				logged, lines := observer.New(zap.WarnLevel)
				view := asking(t, a, zap.New(logged), remoteServer(nil))
				for n := range 20 {
					if err := judge(view, fmt.Sprintf("..%d/etc/passwd", n)); !errors.Is(err, introspect.ErrNoAnswer) {
						t.Fatal(err)
					}
				}
				if err := judge(view, "good"); err != nil {
					t.Error(err)
				}
				if n := lines.Len(); n != 1 {
					t.Errorf("%d lines tell of it, want 1", n)
				}
			})
		})
	}
}

// TestRemoteClocks: the authorization server's clock may be a little ahead.
func TestRemoteClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := saying(fmt.Sprintf(`{"active":true,"nbf":%d}`, time.Now().Add(20*time.Second).Unix()))
		if err := judge(ask(t, a, remoteServer(nil)), "t"); err != nil {
			t.Error(err)
		}
		a = saying(fmt.Sprintf(`{"active":true,"nbf":%d}`, time.Now().Add(31*time.Second).Unix()))
		view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) { r.Cache.Inactive = config.Duration(time.Hour) }))
		if err := judge(view, "t"); !errors.Is(err, introspect.ErrNotYetValid) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		if err := judge(view, "t"); err != nil {
			t.Errorf("when it has become valid: %v", err)
		}
	})
}

// tripper answers, or panics.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRemotePanics: a panic while the server is found out about is a failure
// like others, and not the last question ever.
func TestRemotePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := saying(`{"active":true}`)
		n := 0
		view := ask(t, tripper(func(r *http.Request) (*http.Response, error) {
			if n++; n <= 4 {
				panic("secret-marker")
			}
			return a.RoundTrip(r)
		}), remoteServer(nil))
		for n < 4 {
			if err := judge(view, "t"); !errors.Is(err, introspect.ErrNoAnswer) || strings.Contains(err.Error(), "secret-marker") {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if err := judge(view, "t"); err != nil {
			t.Error(err)
		}
	})
}

// TestRemoteOddTokensProveNothing: that what guards the server answers does not
// say that the server does.
func TestRemoteOddTokensProveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(token string) (int, string) {
			if strings.HasPrefix(token, "odd") {
				return 403, ""
			}
			return 503, ""
		}}
		view := ask(t, a, remoteServer(nil))
		for n := range 6 {
			for _, kind := range []string{"odd", "good"} {
				if err := judge(view, fmt.Sprintf("%s-%d", kind, n)); !errors.Is(err, introspect.ErrNoAnswer) {
					t.Fatal(err)
				}
			}
		}
		if n := a.questions(); n != 6 {
			t.Errorf("%d questions, want 6: after three failures the server is left alone", n)
		}
	})
}
