package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"postern/introspect"
	"postern/provisioning/config"
)

// authority is an authorization server's introspection endpoint in memory.
type authority struct {
	mu     sync.Mutex
	asked  []url.Values  // the forms
	header []http.Header // with them
	answer func(token string) (status int, body string)
	delay  time.Duration
}

// saying is one that answers every question with a body.
func saying(body string) *authority {
	return &authority{answer: func(string) (int, string) { return 200, body }}
}

func (a *authority) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.asked, a.header = append(a.asked, form), append(a.header, req.Header)
	answer, delay := a.answer, a.delay
	a.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	status, text := answer(form.Get("token"))
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Location": {"https://elsewhere.example.com/"}}, Request: req,
		ContentLength: -1, Body: io.NopCloser(strings.NewReader(text)),
	}, nil
}

func (a *authority) change(f func(*authority)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f(a)
}

// questions is how many there were.
func (a *authority) questions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// remoteServer is an auth server that is asked, changed by change.
func remoteServer(change func(*config.RemoteIntrospection)) config.AuthServer {
	r := &config.RemoteIntrospection{Endpoint: "https://idp.example.com/introspect", ClientID: "edge", ClientSecret: config.NewSecret("edge:secret")}
	if change != nil {
		change(r)
	}
	return withDefaults(config.AuthServer{Name: "corp", Issuer: config.Issuer{Value: issuer}, Remote: r})
}

// ask makes a Set over an authority and a view that takes opaque tokens only.
func ask(t testing.TB, a http.RoundTripper, server config.AuthServer) introspect.Introspector {
	t.Helper()
	return asking(t, a, zap.NewNop(), server)
}

func asking(t testing.TB, a http.RoundTripper, log *zap.Logger, server config.AuthServer) introspect.Introspector {
	t.Helper()
	set, err := introspect.NewOver(a, []config.AuthServer{server}, defaults, log)
	if err != nil {
		t.Fatal(err)
	}
	view, err := set.For(introspect.Accepts{Servers: []string{server.Name}, JWT: server.Local != nil, Opaque: true})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func TestRemoteAnswers(t *testing.T) {
	now := time.Now()
	later := fmt.Sprint(now.Add(time.Hour).Unix())
	for _, tt := range []struct {
		name, body string
		status     int // 0: 200
		err        error
		want       *introspect.Token // without claims
	}{
		{name: "good", body: `{"active":true,"sub":"alice","scope":"a b","aud":["x","y"],"exp":` + later + `,"iss":"` + issuer + `"}`, want: &introspect.Token{
			AuthServer: "corp", Issuer: issuer, Subject: "alice", Scopes: []string{"a", "b"}, Audience: []string{"x", "y"},
			Expires: time.Unix(now.Add(time.Hour).Unix(), 0), Until: time.Unix(now.Add(time.Hour).Unix(), 0),
		}},
		{name: "nothing but active", body: `{"active":true}`, want: &introspect.Token{AuthServer: "corp"}},
		{name: "username", body: `{"active":true,"username":"bob"}`, want: &introspect.Token{AuthServer: "corp", Subject: "bob"}},
		{name: "inactive", body: `{"active":false}`, err: introspect.ErrInactive},
		{name: "inactive with claims", body: `{"active":false,"sub":"alice"}`, err: introspect.ErrInactive},
		{name: "expired", body: fmt.Sprintf(`{"active":true,"exp":%d}`, now.Unix()-1), err: introspect.ErrExpired},
		{name: "not yet", body: `{"active":true,"nbf":` + later + `}`, err: introspect.ErrNotYetValid},
		{name: "another issuer", body: `{"active":true,"iss":"https://elsewhere"}`, err: introspect.ErrUnknownIssuer},
		{name: "active as text", body: `{"active":"true"}`, err: introspect.ErrNoAnswer},
		{name: "active as number", body: `{"active":1}`, err: introspect.ErrNoAnswer},
		{name: "active twice", body: `{"active":false,"active":true}`, err: introspect.ErrNoAnswer},
		{name: "twin of active", body: `{"active":true,"Active":false}`, err: introspect.ErrClaims},
		{name: "twin of scope", body: `{"active":true,"SCOPE":"admin"}`, err: introspect.ErrClaims},
		{name: "a refresh token to Keycloak", body: `{"active":true,"typ":"Refresh","sub":"alice"}`, err: introspect.ErrClaims},
		{name: "an offline token to Keycloak", body: `{"active":true,"typ":"Offline","sub":"alice"}`, err: introspect.ErrClaims},
		{name: "a refresh token to Hydra", body: `{"active":true,"token_use":"refresh_token","token_type":"Bearer"}`, err: introspect.ErrClaims},
		{name: "a refresh token to others", body: `{"active":true,"token_type":"refresh_token"}`, err: introspect.ErrClaims},
		{name: "an access token", body: `{"active":true,"token_type":"Bearer","token_use":"access_token","typ":"Bearer"}`, want: &introspect.Token{AuthServer: "corp"}},
		{name: "without active", body: `{"sub":"alice"}`, err: introspect.ErrNoAnswer},
		{name: "list", body: `[{"active":true}]`, err: introspect.ErrNoAnswer},
		{name: "empty", err: introspect.ErrNoAnswer},
		{name: "page", body: `<html>`, err: introspect.ErrNoAnswer},
		{name: "sub is no text", body: `{"active":true,"sub":1}`, err: introspect.ErrClaims},
		{name: "exp is text", body: `{"active":true,"exp":"` + later + `"}`, err: introspect.ErrClaims},
		{name: "aud is a number", body: `{"active":true,"aud":7}`, err: introspect.ErrClaims},
		{name: "long", body: `{"active":true,"x":"` + strings.Repeat("x", 64<<10) + `"}`, err: introspect.ErrNoAnswer},
		{name: "bad request", status: 400, body: `{"error":"invalid_request"}`, err: introspect.ErrMalformed},
		{name: "our credentials", status: 401, body: `{}`, err: introspect.ErrNoAnswer},
		{name: "not found", status: 404, err: introspect.ErrNoAnswer},
		{name: "server error", status: 500, body: `{"active":true}`, err: introspect.ErrNoAnswer},
		{name: "redirect", status: 307, body: `{"active":true}`, err: introspect.ErrNoAnswer},
		{name: "no content", status: 204, err: introspect.ErrNoAnswer},
		{name: "connection lost", status: -1, err: introspect.ErrNoAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := saying(tt.body)
			if tt.status != 0 {
				a.answer = func(string) (int, string) { return max(tt.status, 0), tt.body }
			}
			token, err := ask(t, a, remoteServer(nil)).Introspect(t.Context(), "opaque", now)
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != nil {
				if token != nil {
					t.Error("there is an error and a token")
				}
				if strings.Contains(err.Error(), "opaque") {
					t.Errorf("the error repeats the token: %v", err)
				}
				return
			}
			claims := token.Claims
			if _, there := claims["active"]; there {
				t.Error("active is a claim")
			}
			shown := *token
			shown.Claims = nil
			if diff := cmp.Diff(tt.want, &shown); diff != "" {
				t.Errorf("token (-want +got):\n%s", diff)
			}
			if a.questions() != 1 {
				t.Errorf("%d questions", a.questions())
			}
		})
	}
}

func TestRemoteCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		a := &authority{}
		a.answer = func(token string) (int, string) {
			if token == "bad" {
				return 200, `{"active":false}`
			}
			return 200, fmt.Sprintf(`{"active":true,"sub":"alice","exp":%d}`, begun.Add(90*time.Second).Unix())
		}
		view := ask(t, a, remoteServer(nil))
		asks := func(token string, want error, questions int) {
			t.Helper()
			before := a.questions()
			if _, err := view.Introspect(t.Context(), token, time.Now()); !errors.Is(err, want) {
				t.Errorf("%s after %s: %v, want %v", token, time.Since(begun), err, want)
			}
			if n := a.questions() - before; n != questions {
				t.Errorf("%s after %s: %d questions, want %d", token, time.Since(begun), n, questions)
			}
		}
		asks("good", nil, 1)
		asks("good", nil, 0)
		asks("bad", introspect.ErrInactive, 1)
		asks("bad", introspect.ErrInactive, 0)
		time.Sleep(11 * time.Second)
		asks("bad", introspect.ErrInactive, 1)
		asks("good", nil, 0)
		time.Sleep(50 * time.Second) // 61 s: the minute is over
		asks("good", nil, 1)
		time.Sleep(28 * time.Second) // 89 s
		asks("good", nil, 0)
		time.Sleep(time.Second + time.Millisecond) // past exp, whatever the cache's own time
		asks("good", introspect.ErrExpired, 1)
	})
}

func TestRemoteNothingKept(t *testing.T) {
	a := saying(`{"active":true}`)
	view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) { r.Cache.Active, r.Cache.Inactive = config.None, config.None }))
	for range 3 {
		if err := judge(view, "t"); err != nil {
			t.Fatal(err)
		}
	}
	a.change(func(a *authority) { a.answer = func(string) (int, string) { return 200, `{"active":false}` } })
	for range 3 {
		if err := judge(view, "t"); !errors.Is(err, introspect.ErrInactive) {
			t.Fatal(err)
		}
	}
	if n := a.questions(); n != 6 {
		t.Errorf("%d questions, want 6", n)
	}
}

// TestRemoteAway: without an answer nobody passes, unless an answer that has
// been given may serve a while.
func TestRemoteAway(t *testing.T) {
	for _, stale := range []config.Duration{config.None, config.Duration(10 * time.Minute)} {
		t.Run(fmt.Sprint(stale), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				end := begun.Add(5 * time.Minute)
				a := saying(fmt.Sprintf(`{"active":true,"exp":%d}`, end.Unix()))
				logged, lines := observer.New(zap.InfoLevel)
				view := asking(t, a, zap.New(logged), remoteServer(func(r *config.RemoteIntrospection) { r.Stale = stale }))
				if err := judge(view, "t"); err != nil {
					t.Fatal(err)
				}
				a.change(func(a *authority) { a.answer = func(string) (int, string) { return 503, "" } })
				time.Sleep(2 * time.Minute)
				for range 20 {
					err := judge(view, "t")
					if (err == nil) != (stale != config.None) || err != nil && !errors.Is(err, introspect.ErrNoAnswer) {
						t.Fatal(err)
					}
				}
				if err := judge(view, "new"); !errors.Is(err, introspect.ErrNoAnswer) {
					t.Errorf("a token that was never asked about: %v", err)
				}
				if n := a.questions(); n != 4 {
					t.Errorf("%d questions, want 4: after three failures the server is left alone", n)
				}
				if n := lines.FilterMessage("introspection failed").Len(); n != 1 {
					t.Errorf("%d lines tell of it, want 1", n)
				}
				time.Sleep(time.Minute) // any rest is over
				if stale != config.None {
					if err := judge(view, "t"); err != nil {
						t.Error(err)
					}
				}
				a.change(func(a *authority) { a.answer = func(string) (int, string) { return 200, `{"active":true}` } })
				time.Sleep(time.Minute)
				if err := judge(view, "new"); err != nil {
					t.Error(err)
				}
				if n := lines.FilterMessage("introspection works again").Len(); n != 1 {
					t.Errorf("%d lines tell that it works again, want 1", n)
				}
				a.change(func(a *authority) { a.answer = func(string) (int, string) { return 0, "" } })
				time.Sleep(2 * time.Minute) // past exp
				if err := judge(view, "t"); !errors.Is(err, introspect.ErrNoAnswer) {
					t.Errorf("past its exp: %v", err)
				}
			})
		})
	}
}

// TestRemoteSharedQuestions: who asks the same at the same time asks once.
func TestRemoteSharedQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := saying(`{"active":true}`)
		a.delay = time.Second
		view := ask(t, a, remoteServer(nil))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if err := judge(view, "same"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := a.questions(); n != 1 {
			t.Errorf("%d questions, want 1", n)
		}
	})
}

// TestRemoteBounds: a flood of strangers' tokens neither opens more connections
// than configured nor waits longer than the timeout, and callers whose answer is
// kept do not notice.
func TestRemoteBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := saying(`{"active":true}`)
		view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) {
			r.Concurrency, r.Cache.Active = 2, config.Duration(time.Hour)
		}))
		if err := judge(view, "known"); err != nil {
			t.Fatal(err)
		}
		a.change(func(a *authority) { a.delay = time.Hour })
		var group sync.WaitGroup
		begun := time.Now()
		for n := range 500 {
			group.Go(func() {
				err := judge(view, fmt.Sprintf("stranger-%d", n))
				if !errors.Is(err, introspect.ErrNoAnswer) && !errors.Is(err, introspect.ErrBusy) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := a.questions(); n != 3 {
			t.Errorf("%d questions are under way, want 2 beside the first", n-1)
		}
		if err := judge(view, "known"); err != nil || !time.Now().Equal(begun) {
			t.Errorf("a kept answer took %s: %v", time.Since(begun), err)
		}
		group.Wait()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("the last one waited %s", took)
		}
	})
}

// TestRemoteCachedAllocatesNothing is beside the other allocation tests' idea:
// a kept answer costs nothing.
func TestRemoteCachedAllocatesNothing(t *testing.T) {
	view := ask(t, saying(`{"active":true}`), remoteServer(nil))
	now := time.Now()
	if _, err := view.Introspect(t.Context(), "opaque", now); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := view.Introspect(ctx, "opaque", now); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRemoteCached(b *testing.B) {
	view := ask(b, saying(`{"active":true,"sub":"alice","scope":"a b c"}`), remoteServer(nil))
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := view.Introspect(b.Context(), "2YotnFZFEjr1zCsicMWpAA", now); err != nil {
			b.Fatal(err)
		}
	}
}
