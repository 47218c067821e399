package authorize_test

import (
	"errors"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

func names(any ...string) *config.Names { return &config.Names{Any: any} }

// Each of the three changes the answer, alone, all together and one of them:
// with or they are the vendor's authorizeUser, whose users, groups and
// accessProfiles admit each by itself.
func TestUsersGroupsAndAccessProfiles(t *testing.T) {
	admin := exchange.Caller{User: "Administrator", Subject: "Administrator", Groups: []string{"Everybody", "API-Gateway-Administrators"}}
	member := exchange.Caller{User: "bob", Subject: "bob", Groups: []string{"API-Gateway-Administrators"}}
	other := exchange.Caller{User: "eve", Subject: "eve", Groups: []string{"Everybody"}}
	namesake := exchange.Caller{Subject: "Administrator"} // of a token of some issuer: no user of the gateway
	all := config.Authorize{
		Users: names("Administrator"), Groups: &config.Groups{Any: []string{"Everybody"}}, AccessProfiles: names("Administrators"),
	}
	or := all
	or.Combine = "or"
	and := all
	and.Combine = "and"
	for _, tt := range []struct {
		name   string
		cfg    config.Authorize
		caller exchange.Caller
		reason string // "": passes
	}{
		{"user", config.Authorize{Users: names("alice", "Administrator")}, admin, ""},
		{"another user", config.Authorize{Users: names("alice", "administrator")}, admin, "caller is none of the users"},
		{"a token's subject is no user", config.Authorize{Users: names("Administrator")}, namesake, "caller is none of the users"},
		{"no user", config.Authorize{Users: names("Administrator")}, exchange.Caller{}, "caller is none of the users"},
		{"group", config.Authorize{Groups: &config.Groups{Any: []string{"API-Gateway-Administrators"}}}, member, ""},
		{"another group", config.Authorize{Groups: &config.Groups{Any: []string{"API-Gateway-Administrators"}}}, other, "caller lacks a group"},
		{"profile by one of its groups", config.Authorize{AccessProfiles: names("Administrators")}, member, ""},
		{"profile, not in its groups", config.Authorize{AccessProfiles: names("Administrators")}, other, "caller lacks an access profile"},
		{"one of two profiles", config.Authorize{AccessProfiles: names("Providers", "Administrators")}, member, ""},
		{"another profile", config.Authorize{AccessProfiles: names("Providers")}, member, "caller lacks an access profile"},
		{"a profile's name is no group", config.Authorize{AccessProfiles: names("Providers")}, exchange.Caller{User: "x", Groups: []string{"Providers"}}, "caller lacks an access profile"},
		{"all of them", all, admin, ""},
		{"and", and, admin, ""},
		{"all but the user", all, exchange.Caller{User: "bob", Groups: admin.Groups}, "caller is none of the users"},
		{"all but the group", all, exchange.Caller{User: "Administrator", Groups: []string{"Administrators"}}, "caller lacks a group"},
		{"all but the profile", all, exchange.Caller{User: "Administrator", Groups: []string{"Everybody"}}, "caller lacks an access profile"},
		{"or: the user", or, exchange.Caller{User: "Administrator"}, ""},
		{"or: the group", or, other, ""},
		{"or: the profile", or, member, ""},
		{"or: none", or, exchange.Caller{User: "eve", Groups: []string{"API-Gateway-Providers"}}, "caller lacks an access profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, reason := judge(t, &tt.cfg, tt.caller)
			if (p == nil) != (tt.reason == "") || reason != tt.reason || p != nil && !errors.Is(p, problem.InsufficientScope) {
				t.Errorf("%v, reason %q; want %q", p, reason, tt.reason)
			}
		})
	}
}

// What is asked of tokens must hold besides.
func TestCombineIsAboutUsersOnly(t *testing.T) {
	cfg := &config.Authorize{
		Combine: "or", Users: names("alice"), AccessProfiles: names("Providers"),
		TokenScopes: &config.TokenScopes{Any: []string{"orders:read"}},
	}
	if p, _ := judge(t, cfg, exchange.Caller{User: "alice"}); p == nil {
		t.Error("a user without the scope passes")
	}
	if p, _ := judge(t, cfg, exchange.Caller{User: "alice", Scopes: []string{"orders:read"}}); p != nil {
		t.Errorf("a user with the scope: %v", p)
	}
}

func TestAnonymousIsAskedWhoItIs(t *testing.T) {
	p, _ := judge(t, &config.Authorize{Users: names("alice")}, exchange.Caller{Anonymous: true})
	if p == nil || p.Status != 401 || p.Challenge == "" {
		t.Errorf("%+v", p)
	}
}

// Who has shown no token is not told of tokens.
func TestRefusedByOtherThanTokens(t *testing.T) {
	cfg := &config.Authorize{Users: names("alice"), TokenScopes: &config.TokenScopes{Any: []string{"orders:read"}}}
	for _, tt := range []struct {
		caller exchange.Caller
		want   *problem.Problem
	}{
		{exchange.Caller{By: "basic", User: "bob"}, problem.Forbidden},
		{exchange.Caller{By: "basic", User: "alice"}, problem.Forbidden},
		{exchange.Caller{By: "ip"}, problem.Forbidden},
		{exchange.Caller{By: "token", User: "bob", Scopes: []string{"orders:read"}}, problem.InsufficientScope},
		{exchange.Caller{By: "basic", User: "bob", Claims: map[string]any{"sub": "bob"}}, problem.InsufficientScope},
	} {
		p, _ := judge(t, cfg, tt.caller)
		if p == nil || !errors.Is(p, tt.want) || (p.Challenge == "") != (tt.want == problem.Forbidden) {
			t.Errorf("%+v: %+v, want %s", tt.caller, p, tt.want.Code)
		}
	}
}
