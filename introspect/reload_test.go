package introspect_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// next is the Set after a reload, not started yet.
func next(t *testing.T, previous *introspect.Set, tokens config.Tokens, servers ...config.AuthServer) *introspect.Set {
	t.Helper()
	set, err := introspect.New(introspect.Rules{Servers: servers, Tokens: tokens}, previous, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestReload(t *testing.T) {
	edited := func(edit func(*config.AuthServer)) config.AuthServer {
		s := withURL()
		edit(&s)
		return s
	}
	faster := defaults
	faster.Cache.Entries++
	faster.Verifications++
	tests := []struct {
		name       string
		server     config.AuthServer
		tokens     config.Tokens
		keys, hits bool // taken over: key set, cached tokens
	}{
		{"unchanged", withURL(), defaults, true, true},
		{"audience", edited(func(s *config.AuthServer) { s.Audience = &config.Audience{Any: []string{"x"}} }), defaults, true, true},
		{"required", edited(func(s *config.AuthServer) { s.Required = true }), defaults, true, true},
		{"refresh", edited(func(s *config.AuthServer) { s.Local.Refresh /= 3 }), defaults, true, false},
		{"types", edited(func(s *config.AuthServer) { s.Local.Types = []string{"JWT"} }), defaults, true, false},
		{"bounds of the cache", withURL(), faster, true, false},
		{"address of the keys", edited(func(s *config.AuthServer) { s.Local.JWKSURI += "2" }), defaults, false, false},
		{"allow_http", edited(func(s *config.AuthServer) { s.Local.AllowHTTP = true }), defaults, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newIDP(rsaSigner(0))
			keep(t, p, withURL(), func(t *testing.T, before *introspect.Set, view introspect.Introspector) {
				token := forAnHour(rsaSigner(0))
				if err := judge(view, token); err != nil {
					t.Fatal(err)
				}
				after := next(t, before, tt.tokens, tt.server)
				if n := len(after.Status()[0].Keys); (n == 1) != tt.keys {
					t.Errorf("%d keys before any fetch", n)
				}
				after.Start()
				defer after.Close()
				before.Close()
				synctest.Wait()
				hits := after.CacheStats().Hits
				if err := judge(viewOf(t, after, tt.server), token); err != nil {
					t.Errorf("token after the reload: %v", err)
				}
				if hit := after.CacheStats().Hits > hits; hit != tt.hits {
					t.Errorf("cached: %v", hit)
				}
				if n := p.count(); (n == 1) != tt.keys {
					t.Errorf("%d fetches", n)
				}
				time.Sleep(time.Hour)
				if n := p.count(); n < 4 {
					t.Errorf("%d fetches an hour later: the keys are not kept", n)
				}
			})
		})
	}
}

func TestASetThatWasNotWanted(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, before *introspect.Set, view introspect.Introspector) {
		changed := withURL()
		changed.Local.JWKSURI += "2"
		dropped := next(t, before, defaults, changed)
		next(t, before, defaults, withURL()).Close()
		dropped.Close()
		time.Sleep(time.Hour)
		if n := p.count(); n < 4 {
			t.Errorf("%d fetches in an hour: the running set was disturbed", n)
		}
		if err := judge(view, forAnHour(rsaSigner(0))); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerThatIsGone(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, before *introspect.Set, view introspect.Introspector) {
		token := forAnHour(rsaSigner(0))
		other := withFile(setOf(rsaSigner(0)))
		other.Name, other.Issuer.Value = "other", "https://other.example"
		after := next(t, before, defaults, other)
		after.Start()
		defer after.Close()
		before.Close()
		before.Close()
		fetches := p.count()
		time.Sleep(time.Hour)
		if n := p.count(); n != fetches {
			t.Errorf("%d more fetches for a server that is gone", n-fetches)
		}
		if err := judge(viewOf(t, after, other), token); !errors.Is(err, introspect.ErrUnknownIssuer) {
			t.Errorf("its token: %v", err)
		}
		if err := judge(view, token); err != nil {
			t.Errorf("a request still on the old set: %v", err)
		}
		if _, err := after.For(introspect.Accepts{Servers: []string{"corp"}, JWT: true}); err == nil {
			t.Error("still found by name")
		}
	})
}

// Keys rotate and configurations are swapped while requests run.
func TestTrafficThroughRotationAndReload(t *testing.T) {
	p := newIDP(rsaSigner(0))
	server := withURL()
	set, view := openOver(t, p, server)
	set.Start()
	var live atomic.Pointer[introspect.Introspector]
	live.Store(&view)
	now := time.Now()
	tokens := []string{rsaSigner(0).token(claims(now, "")), rsaSigner(1).token(claims(now, ""))}
	forged := signer{"rsa-0", "RS256", rsaKeys()[2]}.token(claims(now, ""))
	var current atomic.Int32 // the key that signs now
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := *live.Load()
				if _, err := v.Introspect(context.Background(), tokens[current.Load()], now); err != nil {
					t.Errorf("valid token: %v", err)
				}
				if _, err := v.Introspect(context.Background(), forged, now); err == nil {
					t.Error("forged token passed")
				}
			}
		})
	}
	for i := range 200 {
		p.change(func(p *idp) { p.body = setOf(rsaSigner(0), rsaSigner(1)) })
		if err := set.Refresh(context.Background(), "corp"); err != nil {
			t.Error(err)
		}
		current.Store(int32(i % 2))
		after := next(t, set, defaults, server)
		v := viewOf(t, after, server)
		after.Start()
		live.Store(&v)
		set.Close()
		set = after
	}
	close(stop)
	callers.Wait()
	set.Close()
}

func TestStaleOwnersDoNotStopTheKeys(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, first *introspect.Set, _ introspect.Introspector) {
		second := next(t, first, defaults, withURL())
		second.Start()
		third := next(t, second, defaults, withURL())
		third.Start()
		defer third.Close()
		first.Close()
		second.Close()
		if err := third.Refresh(t.Context(), "corp"); err != nil {
			t.Error(err)
		}
	})
}

func TestAShorterRefreshActsOnKeysThatAreTakenOver(t *testing.T) {
	p := newIDP(rsaSigner(0))
	keep(t, p, withURL(), func(t *testing.T, before *introspect.Set, _ introspect.Introspector) {
		shorter := withURL()
		shorter.Local.Refresh = config.Duration(time.Minute)
		after := next(t, before, defaults, shorter)
		after.Start()
		defer after.Close()
		before.Close()
		synctest.Wait()
		if due := time.Until(after.Status()[0].NextRefresh); due > time.Minute {
			t.Errorf("next refresh in %s", due)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := p.count(); n != 2 {
			t.Errorf("%d fetches after a minute, want 2", n)
		}
	})
}
