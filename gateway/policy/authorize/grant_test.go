package authorize_test

import (
	"errors"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

func TestScopesOfAClaim(t *testing.T) {
	claims := map[string]any{"permissions": []any{"read", "write all"}, "granted": "read  list", "o": map[string]any{"p": "admin"}, "n": map[string]any{}, "odd": "a\tread\u00a0read\nread"}
	for _, tt := range []struct {
		name, claim, all string
		pass             bool
	}{
		{"in a list", "permissions", "read", true},
		{"in a list, with a space", "permissions", "write", false},
		{"in a text", "granted", "list read", true},
		{"behind other white space", "odd", "read", false},
		{"part of a word", "granted", "lis", false},
		{"deeper", "o.p", "admin", true},
		{"pointer", "/o/p", "admin", true},
		{"absent", "scope", "read", false},
		{"object", "n", "read", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &config.Authorize{TokenScopes: &config.TokenScopes{Claim: tt.claim, All: strings.Fields(tt.all)}}
			p, _ := judge(t, cfg, exchange.Caller{Scopes: []string{"read", "admin", "lis", "write"}, Claims: claims})
			if tt.pass != (p == nil) {
				t.Fatalf("%v, want pass %v", p, tt.pass)
			}
			if want := challenge + `, scope="` + tt.all + `"`; p != nil && p.Challenge != want {
				t.Errorf("challenge %s, want %s", p.Challenge, want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	caller := exchange.Caller{Groups: []string{"staff", "eu"}, Claims: map[string]any{"groups": []any{"Domain Users", "managers"}, "group": "Domain Users"}}
	for _, tt := range []struct {
		name   string
		groups config.Groups
		pass   bool
	}{
		{"one of any", config.Groups{Any: []string{"x", "eu"}}, true},
		{"none of any", config.Groups{Any: []string{"x", "Staff"}}, false},
		{"all of all", config.Groups{All: []string{"eu", "staff"}}, true},
		{"not all of all", config.Groups{All: []string{"eu", "us"}}, false},
		{"both", config.Groups{All: []string{"eu"}, Any: []string{"x", "staff"}}, true},
		{"both, none of any", config.Groups{All: []string{"eu"}, Any: []string{"x"}}, false},
		{"users' are not the claim's", config.Groups{Any: []string{"managers"}}, false},
		{"claim", config.Groups{Claim: "groups", All: []string{"managers", "Domain Users"}}, true},
		{"claim is one group", config.Groups{Claim: "group", Any: []string{"Domain Users"}}, true},
		{"claim is one group, not words", config.Groups{Claim: "group", Any: []string{"Domain"}}, false},
		{"claim's are not the users'", config.Groups{Claim: "groups", Any: []string{"staff"}}, false},
		{"claim absent", config.Groups{Claim: "x", Any: []string{"staff"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, reason := judge(t, &config.Authorize{Groups: &tt.groups}, caller)
			if tt.pass != (p == nil) {
				t.Fatalf("%v, want pass %v", p, tt.pass)
			}
			if p != nil && (p.Challenge != challenge || reason != "caller lacks a group") {
				t.Errorf("challenge %s, reason %q", p.Challenge, reason)
			}
		})
	}
}

// Whoever presented nothing is asked for a token: more scopes would not help.
func TestAnonymousIsAskedForAToken(t *testing.T) {
	p, _ := judge(t, &config.Authorize{Groups: &config.Groups{Any: []string{"staff"}}}, exchange.Caller{Anonymous: true})
	if !errors.Is(p, problem.TokenMissing) {
		t.Errorf("%v, want %v", p, problem.TokenMissing)
	}
}
