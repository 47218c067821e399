package authorize_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/policy/authorize"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

const challenge = `Bearer realm="postern", error="insufficient_scope"`

// profiles are the groups of access profiles.
var profiles = map[string][]string{
	"Administrators": {"API-Gateway-Administrators", "Administrators"},
	"Providers":      {"API-Gateway-Providers"},
}

// judge runs the policy for a caller and returns its problem; nil: passed.
func judge(t testing.TB, cfg *config.Authorize, caller exchange.Caller) (*problem.Problem, string) {
	t.Helper()
	policy, err := authorize.New(cfg, profiles)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange.Exchange{Caller: caller}
	passed := false
	err = policy(func(*exchange.Exchange) error { passed = true; return nil })(x)
	var p *problem.Problem
	if err != nil && !errors.As(err, &p) || passed != (err == nil) {
		t.Fatalf("passed %v with %v", passed, err)
	}
	return p, x.Reason
}

func TestTokenScopes(t *testing.T) {
	for _, tt := range []struct {
		name, any, all, got string
		challenge           string // "": passes
	}{
		{"one of any", "a b", "", "x b", ""},
		{"none of any", "a b", "", "x A ab", challenge + `, scope="a b"`},
		{"all of all", "", "a b", "b x a", ""},
		{"not all of all", "", "a b", "a", challenge + `, scope="a b"`},
		{"both", "c d", "a b", "a b d", ""},
		{"both, none of any", "c d", "a b", "a b", challenge + `, scope="a b c d"`},
		{"no scopes at all", "a", "", "", challenge + `, scope="a"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &config.Authorize{TokenScopes: &config.TokenScopes{Any: strings.Fields(tt.any), All: strings.Fields(tt.all)}}
			p, reason := judge(t, cfg, exchange.Caller{Scopes: strings.Fields(tt.got)})
			if tt.challenge == "" {
				if p != nil {
					t.Fatalf("refused: %v", p)
				}
				return
			}
			if p == nil || !errors.Is(p, problem.InsufficientScope) || p.Challenge != tt.challenge || reason == "" {
				t.Errorf("%+v, reason %q; want challenge %s", p, reason, tt.challenge)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	var claims map[string]any
	d := json.NewDecoder(strings.NewReader(`{"sub":"alice","n":10,"yes":true,"null":null,"roles":["a","b",1],"o":{"k":"v","list":["x"]},"text":"a\nb"}`))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	is := func(s string) *string { return &s }
	for _, tt := range []struct {
		name string
		rule config.ClaimRule
		pass bool
	}{
		{"equals", config.ClaimRule{Name: "sub", Equals: is("alice")}, true},
		{"equals another", config.ClaimRule{Name: "sub", Equals: is("Alice")}, false},
		{"equals number", config.ClaimRule{Name: "n", Equals: is("10")}, true},
		{"equals boolean", config.ClaimRule{Name: "yes", Equals: is("true")}, true},
		{"equals list", config.ClaimRule{Name: "roles", Equals: is("a")}, false},
		{"equals nothing", config.ClaimRule{Name: "absent", Equals: is("")}, false},
		{"equals null", config.ClaimRule{Name: "null", Equals: is("")}, false},
		{"contains", config.ClaimRule{Name: "roles", Contains: is("b")}, true},
		{"contains number", config.ClaimRule{Name: "roles", Contains: is("1")}, true},
		{"contains no part", config.ClaimRule{Name: "sub", Contains: is("ali")}, false},
		{"contains text", config.ClaimRule{Name: "sub", Contains: is("alice")}, true},
		{"contains member", config.ClaimRule{Name: "o", Contains: is("k")}, false},
		{"contains deeper", config.ClaimRule{Name: "o.list", Contains: is("x")}, true},
		{"one of", config.ClaimRule{Name: "o.k", OneOf: []string{"u", "v"}}, true},
		{"none of", config.ClaimRule{Name: "/o/k", OneOf: []string{"u", "w"}}, false},
		{"one of, list", config.ClaimRule{Name: "roles", OneOf: []string{"a"}}, false},
		{"pattern", config.ClaimRule{Name: "sub", Pattern: "a.*e"}, true},
		{"pattern is whole", config.ClaimRule{Name: "sub", Pattern: "lic"}, false},
		{"pattern with a choice is whole", config.ClaimRule{Name: "sub", Pattern: "al|ice"}, false},
		{"pattern by lines is whole", config.ClaimRule{Name: "text", Pattern: "(?m)^a$"}, false},
		{"pattern of absent", config.ClaimRule{Name: "absent", Pattern: ".*"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, reason := judge(t, &config.Authorize{Claims: []config.ClaimRule{tt.rule}}, exchange.Caller{Claims: claims})
			if tt.pass != (p == nil) {
				t.Fatalf("%v, want pass %v", p, tt.pass)
			}
			if p != nil && (p.Challenge != challenge || !strings.Contains(reason, tt.rule.Name)) {
				t.Errorf("challenge %s, reason %q", p.Challenge, reason)
			}
		})
	}
}

func TestAllRulesMustHold(t *testing.T) {
	is := func(s string) *string { return &s }
	cfg := &config.Authorize{
		TokenScopes: &config.TokenScopes{Any: []string{"a"}},
		Claims:      []config.ClaimRule{{Name: "sub", Equals: is("alice")}, {Name: "org", Equals: is("x")}},
	}
	for _, tt := range []struct {
		scope, sub, org string
		pass            bool
	}{
		{"a", "alice", "x", true},
		{"b", "alice", "x", false},
		{"a", "bob", "x", false},
		{"a", "alice", "y", false},
	} {
		p, _ := judge(t, cfg, exchange.Caller{Scopes: []string{tt.scope}, Claims: map[string]any{"sub": tt.sub, "org": tt.org}})
		if tt.pass != (p == nil) {
			t.Errorf("%+v: %v", tt, p)
		}
	}
	if p, _ := judge(t, cfg, exchange.Caller{}); p == nil {
		t.Error("nobody passed")
	}
}

func TestBadPatternIsAFault(t *testing.T) {
	_, err := authorize.New(&config.Authorize{Claims: []config.ClaimRule{{Name: "a", Pattern: "a"}, {Name: "b", Pattern: "("}}}, nil)
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 1 {
		t.Fatalf("%v is not one fault", err)
	}
	if diff := cmp.Diff([]any{"claims", 1, "pattern"}, faults[0].Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	is := "shopper"
	policy, err := authorize.New(&config.Authorize{
		TokenScopes: &config.TokenScopes{Any: []string{"orders:read"}},
		Claims:      []config.ClaimRule{{Name: "realm_access.roles", Contains: &is}},
		Combine:     "or", Users: names("alice"), AccessProfiles: names("Providers", "Administrators"),
	}, profiles)
	if err != nil {
		b.Fatal(err)
	}
	h := policy(func(*exchange.Exchange) error { return nil })
	x := &exchange.Exchange{Caller: exchange.Caller{
		User: "bob", Groups: []string{"staff", "API-Gateway-Providers"}, Scopes: []string{"profile", "orders:read"},
		Claims: map[string]any{"realm_access": map[string]any{"roles": []any{"user", "shopper"}}},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if err := h(x); err != nil {
			b.Fatal(err)
		}
	}
}
