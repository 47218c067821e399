package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// swapped is shop with another API in place of files.
var swapped = strings.NewReplacer("name: files", "name: other", "base_path: /files", "base_path: /other").Replace(shop)

// begin handles a request and leaves it unfinished.
func begin(t testing.TB, g *Gateway, target string) *exchange.Exchange {
	x := newExchange(t, "GET", target)
	x.Secure = true
	g.Handle(x)
	return x
}

func TestApplySwapsForNewRequestsOnly(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	x := begin(t, g, "/files/a")
	old := g.live.Load()
	if err := g.Apply(load(t, swapped)); err != nil {
		t.Fatal(err)
	}
	if begin(t, g, "/files/a").Answer.Status != 0 || begin(t, g, "/other/a").Answer.Status != 200 {
		t.Error("the new configuration is not live")
	}
	if old.inFlight() != 1 || g.inFlight() != 3 {
		t.Errorf("in flight: %d on the old one, %d in all", old.inFlight(), g.inFlight())
	}
	x.Finish(exchange.End{Status: 200})
	if old.inFlight() != 0 || len(g.retiring) != 0 {
		t.Errorf("the old generation has not ended: %d in flight", old.inFlight())
	}
}

func TestUnchangedUpstreamsAreCarried(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(shop, old, new, 1) }
	for _, tt := range []struct {
		name, next    string
		orders, files bool // carried
	}{
		{"nothing changed", shop, true, true},
		{"another rule", change("methods: [GET]", "methods: [PUT]"), true, true},
		{"another target", change("127.0.0.1:9\"}]}\n  resources", "127.0.0.1:10\"}]}\n  resources"), false, true},
		{"another API", swapped, true, false},
		{"limits", shop + "limits: {buffered_body: 1MiB}\n", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, shop, upstreamAnswers)
			old := g.live.Load().upstreams
			if err := g.Apply(load(t, tt.next)); err != nil {
				t.Fatal(err)
			}
			next := g.live.Load().upstreams
			for name, want := range map[string]bool{"orders/1.0": tt.orders, "files/2": tt.files} {
				if carried := next[ofRule{api: name}] == old[ofRule{api: name}]; carried != want {
					t.Errorf("%s carried %v", name, carried)
				}
				users := int32(0)
				if want {
					users = 1
				}
				if got := old[ofRule{api: name}].users.Load(); got != users {
					t.Errorf("%s has %d users, want %d", name, got, users)
				}
			}
		})
	}
}

func TestAnUpstreamLivesAsLongAsItsLastUser(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	files := g.live.Load().upstreams[ofRule{api: "files/2"}]
	first := begin(t, g, "/files/a")
	for _, text := range []string{shop + "\n", swapped, swapped + "\n"} {
		if err := g.Apply(load(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := files.users.Load(); got != 1 {
		t.Errorf("%d users while a request runs on it, want 1", got)
	}
	first.Finish(exchange.End{Status: 200})
	if got := files.users.Load(); got != 0 {
		t.Errorf("%d users after the last request", got)
	}
}

func TestARefusedConfigurationChangesNothing(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	before, users := g.live.Load(), g.live.Load().upstreams[ofRule{api: "files/2"}].users.Load()
	broken := *load(t, swapped)
	broken.TLS = &config.TLS{Certificates: []config.Certificate{{}}}
	var faults config.Faults
	if err := g.Apply(&broken); !errors.As(err, &faults) {
		t.Fatalf("applied: %v", err)
	}
	if err := g.Check(load(t, swapped)); err != nil {
		t.Fatal(err)
	}
	if g.live.Load() != before || before.retired.Load() || before.upstreams[ofRule{api: "files/2"}].users.Load() != users {
		t.Error("something changed")
	}
}

// TestSwapsUnderLoad swaps configurations while requests run; each request sees
// one of them, whole, and nothing is left held.
func TestSwapsUnderLoad(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	g.log, g.failures = zap.NewNop(), newSampler(zap.NewNop())
	const appliers, times = 4, 200
	configs := []*config.Config{load(t, shop), load(t, swapped)}
	var applying, serving sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		serving.Go(func() { serveUntil(t, g, uint32(i), stop) })
	}
	for i := range appliers {
		applying.Go(func() {
			for n := range times {
				if err := g.Apply(configs[(i+n)%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	applying.Wait()
	close(stop)
	serving.Wait()
	if g.inFlight() != 0 || len(g.retiring) != 0 {
		t.Errorf("%d in flight, %d generations have not ended", g.inFlight(), len(g.retiring))
	}
	for name, u := range g.live.Load().upstreams {
		if got := u.users.Load(); got != 1 {
			t.Errorf("%s has %d users", name, got)
		}
	}
}

// serveUntil sends requests that one of the two configurations answers.
func serveUntil(t *testing.T, g *Gateway, shard uint32, stop chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		files, other := newExchange(t, "GET", "/files/a"), newExchange(t, "GET", "/other/a")
		for _, x := range []*exchange.Exchange{files, other} {
			x.Shard, x.Secure = shard+uint32(n), true
			g.Handle(x)
			if x.Answer.Status != 200 && x.Problem != "not_found" {
				t.Errorf("status %d, problem %q", x.Answer.Status, x.Problem)
			}
		}
		always := newExchange(t, "GET", "/gateway/orders/1.0/orders/7")
		g.Handle(always)
		if always.Answer.Status != 200 {
			t.Errorf("a request failed during a swap: %q", always.Problem)
		}
		for _, x := range []*exchange.Exchange{other, always, files} {
			x.Finish(exchange.End{Status: 200})
		}
	}
}

// manyAPIs is a configuration of n APIs with everything an API commonly has.
func manyAPIs(t testing.TB, n int) *config.Config {
	t.Helper()
	cfg := *load(t, `
auth_servers:
- {name: corp, issuer: "https://idp.example.com", audience: unchecked, local_introspection: {jwks_uri: "https://idp.example.com/keys"}}
apis:
- name: api
  version: "1.0"
  upstream: {targets: [{url: "http://127.0.0.1:9"}]}
  resources:
  - {path: /orders, methods: [GET, POST]}
  - {path: "/orders/{id}", methods: [GET, DELETE], scopes: [admin]}
  scopes:
  - {name: admin, policies: {authorize: {token_scopes: {all: [write]}}}}
  policies:
    identify: {by: [jwt], auth_servers: [corp], applications: none, claim_headers: {X-User: sub}}
    authorize: {token_scopes: {any: [read]}}
`)
	one := cfg.APIs[0]
	cfg.APIs = make([]config.API, n)
	for i := range cfg.APIs {
		cfg.APIs[i] = one
		cfg.APIs[i].Name = fmt.Sprintf("api-%d", i)
	}
	return &cfg
}

func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			cfg := manyAPIs(b, n)
			for b.Loop() {
				g := New(zap.NewNop())
				if err := g.Check(cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("again/%d", n), func(b *testing.B) {
			cfg, g := manyAPIs(b, n), New(zap.NewNop())
			defer g.end(context.Background())
			for b.Loop() {
				if err := g.Apply(cfg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
