package identify_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/identify"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// known are applications that are found by keys, addresses and claims: shop and
// batch, old which is suspended, and far which is not registered.
func known(t testing.TB) []config.Application {
	t.Helper()
	named := func(name string, ranges ...string) config.Application {
		a := config.Application{Name: name, ID: name, APIs: []string{"shop"}}
		a.Identify.APIKeys = []config.APIKey{config.NewAPIKey(name + "-key")}
		a.Identify.Claims = []config.ClaimSet{{{Claim: "azp", Value: name}}}
		for _, text := range ranges {
			r, err := config.ParseAddressRange(text)
			if err != nil {
				t.Fatal(err)
			}
			a.Identify.IP = append(a.Identify.IP, r)
		}
		return a
	}
	old, far := named("old", "198.51.100.1"), named("far", "203.0.113.0/24")
	old.Suspended, far.APIs = true, nil
	return []config.Application{named("shop", "192.0.2.0/24", "2001:db8::1"), named("batch", "192.0.2.7-192.0.2.9"), old, far}
}

// tokens are of shop and batch, and of nobody.
var tokens = fake{
	"shop":   &introspect.Token{AuthServer: "corp", Subject: "alice", Claims: map[string]any{"azp": "shop"}},
	"batch":  &introspect.Token{AuthServer: "corp", Subject: "robot", Claims: map[string]any{"azp": "batch"}},
	"nobody": &introspect.Token{AuthServer: "corp", Subject: "eve", Claims: map[string]any{"azp": "x"}},
}

// asks builds the policy of an API that has these levels.
func asks(t testing.TB, levels ...*config.Identify) exchange.Policy {
	t.Helper()
	api := &config.API{Name: "shop"}
	api.Policies.Identify = levels[0]
	c := config.Config{APIs: []config.API{*api}, AuthServers: []config.AuthServer{{Name: "corp", Audience: unchecked}}}
	for _, level := range levels[1:] {
		c.Policies = append(c.Policies, config.GlobalPolicy{Policies: config.Policies{Identify: level}})
	}
	c.SetDefaults()
	registry := application.NewRegistry(known(t))
	rules := identify.Rules{
		API:      api,
		Believed: identify.Believed{Tokens: tokens, Servers: map[string]*config.AuthServer{"corp": &c.AuthServers[0]}},
		Known:    identify.Known{Registered: registry.Registered(api), All: registry.All()},
	}
	var chain []exchange.Policy
	for _, level := range levels {
		rules.Identify = level
		chain = append(chain, identify.New(rules, metrics.New(metrics.Sources{})))
	}
	return chained(append(chain, identify.Conceal("", nil, levels...))...)
}

// told is how a refusal or a caller shows in a table: a code, or whose it is and
// by what.
func told(x *exchange.Exchange, err error) string {
	var p *problem.Problem
	switch {
	case errors.As(err, &p):
		return p.Code
	case err != nil:
		return err.Error()
	case x.Caller.Anonymous:
		return "anonymous"
	}
	return x.Caller.Application.Name + " by " + x.Caller.By
}

func pass(*exchange.Exchange) error { return nil }

func TestWays(t *testing.T) {
	const tokenOf, key = "Authorization: Bearer ", "X-Gateway-APIKey: "
	for _, tt := range []struct {
		name  string
		cfg   config.Identify
		from  string
		lines []string
		want  string
	}{
		{"key", config.Identify{By: []string{"api_key"}}, "", []string{key + "shop-key"}, "shop by api_key"},
		{"key, its name in another case", config.Identify{By: []string{"api_key"}}, "", []string{"x-gateway-apikey:  shop-key "}, "shop by api_key"},
		{"key, its name with underscores", config.Identify{By: []string{"api_key"}}, "", []string{"x_gateway_apikey: shop-key"}, "unidentified"},
		{"no key", config.Identify{By: []string{"api_key"}}, "", nil, "unidentified"},
		{"empty key", config.Identify{By: []string{"api_key"}}, "", []string{key}, "unidentified"},
		{"wrong key", config.Identify{By: []string{"api_key"}}, "", []string{key + "shop-kez"}, "invalid_credential"},
		{"key in another case", config.Identify{By: []string{"api_key"}}, "", []string{key + "Shop-Key"}, "invalid_credential"},
		{"begin of a key", config.Identify{By: []string{"api_key"}}, "", []string{key + "shop"}, "invalid_credential"},
		{"two keys", config.Identify{By: []string{"api_key"}}, "", []string{key + "shop-key", key + "shop-key"}, "bad_request"},
		{"list of keys", config.Identify{By: []string{"api_key"}}, "", []string{key + "shop-key, batch-key"}, "invalid_credential"},
		{"key of a suspended application", config.Identify{By: []string{"api_key"}}, "", []string{key + "old-key"}, "invalid_credential"},
		{"key of another API's application", config.Identify{By: []string{"api_key"}}, "", []string{key + "far-key"}, "invalid_credential"},
		{"key of any application", config.Identify{By: []string{"api_key"}, Applications: "all"}, "", []string{key + "far-key"}, "far by api_key"},
		{"key of any application, suspended", config.Identify{By: []string{"api_key"}, Applications: "all"}, "", []string{key + "old-key"}, "invalid_credential"},
		{"key as a token", config.Identify{By: []string{"api_key"}}, "", []string{tokenOf + "shop-key"}, "unidentified"},

		{"or: token", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{tokenOf + "shop"}, "shop by token"},
		{"or: key", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{key + "shop-key"}, "shop by api_key"},
		{"or: both, the first counts", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{tokenOf + "shop", key + "batch-key"}, "shop by token"},
		{"or: both, the other way round", config.Identify{By: []string{"api_key", "jwt"}}, "", []string{tokenOf + "shop", key + "batch-key"}, "batch by api_key"},
		{"or: neither", config.Identify{By: []string{"jwt", "api_key"}}, "", nil, "unidentified"},
		{"or: good token, wrong key", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{tokenOf + "shop", key + "x"}, "invalid_credential"},
		{"or: wrong token, good key", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{tokenOf + "x", key + "shop-key"}, "invalid_token"},
		{"or: wrong token, good key first", config.Identify{By: []string{"api_key", "jwt"}}, "", []string{tokenOf + "x", key + "shop-key"}, "invalid_token"},
		{"or: nobody's token, good key", config.Identify{By: []string{"api_key", "jwt"}}, "", []string{tokenOf + "nobody", key + "shop-key"}, "invalid_token"},
		{"or: another scheme, good key", config.Identify{By: []string{"jwt", "api_key"}}, "", []string{"Authorization: Basic YTpi", key + "shop-key"}, "shop by api_key"},

		{"or: nobody's token where no application is needed", config.Identify{By: []string{"jwt", "api_key"}, Applications: "none"}, "", []string{tokenOf + "nobody"}, " by token"},
		{"or: any application's key where none is needed", config.Identify{By: []string{"jwt", "api_key"}, Applications: "none"}, "", []string{key + "far-key"}, "far by api_key"},
		{"or: wrong key where no application is needed", config.Identify{By: []string{"jwt", "api_key"}, Applications: "none"}, "", []string{key + "x"}, "invalid_credential"},

		{"and: both", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and"}, "", []string{tokenOf + "shop", key + "shop-key"}, "shop by token"},
		{"and: of two applications", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and"}, "", []string{tokenOf + "shop", key + "batch-key"}, "invalid_credential"},
		{"and: of two applications, where none is needed", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and", Applications: "none"}, "", []string{tokenOf + "shop", key + "batch-key"}, "invalid_credential"},
		{"and: one alone", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and"}, "", []string{tokenOf + "shop"}, "unidentified"},
		{"and: the other alone", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and"}, "", []string{key + "shop-key"}, "unidentified"},
		{"and: wrong key", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and"}, "", []string{tokenOf + "shop", key + "x"}, "invalid_credential"},
		{"and: nobody's token, any application's key", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and", Applications: "none"}, "", []string{tokenOf + "nobody", key + "far-key"}, "far by token"},

		{"address", config.Identify{By: []string{"ip"}}, "192.0.2.1", nil, "shop by ip"},
		{"address of IPv6", config.Identify{By: []string{"ip"}}, "2001:db8::1", nil, "shop by ip"},
		{"address in the form of IPv6", config.Identify{By: []string{"ip"}}, "::ffff:192.0.2.1", nil, "shop by ip"},
		{"address of two", config.Identify{By: []string{"ip"}}, "192.0.2.7", nil, "invalid_credential"},
		{"address of nobody", config.Identify{By: []string{"ip"}}, "192.0.3.0", nil, "unidentified"},
		{"no address", config.Identify{By: []string{"ip"}}, "", nil, "unidentified"},
		{"address of a suspended application", config.Identify{By: []string{"ip"}}, "198.51.100.1", nil, "unidentified"},
		{"address of another API's application", config.Identify{By: []string{"ip"}}, "203.0.113.9", nil, "unidentified"},
		{"address that the caller says", config.Identify{By: []string{"ip"}}, "192.0.3.0", []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"}, "unidentified"},

		{"or: key before address", config.Identify{By: []string{"ip", "api_key"}}, "192.0.2.1", []string{key + "batch-key"}, "batch by api_key"},
		{"or: wrong key, good address", config.Identify{By: []string{"ip", "api_key"}}, "192.0.2.1", []string{key + "x"}, "invalid_credential"},
		{"or: good key, address of two", config.Identify{By: []string{"ip", "api_key"}}, "192.0.2.7", []string{key + "shop-key"}, "shop by api_key"},
		{"or: no key, good address", config.Identify{By: []string{"api_key", "ip"}}, "192.0.2.1", nil, "shop by ip"},
		{"and: key from its address", config.Identify{By: []string{"api_key", "ip"}, Combine: "and"}, "192.0.2.1", []string{key + "shop-key"}, "shop by api_key"},
		{"and: key from an address of two", config.Identify{By: []string{"api_key", "ip"}, Combine: "and"}, "192.0.2.7", []string{key + "batch-key"}, "batch by api_key"},
		{"and: key from another's address", config.Identify{By: []string{"api_key", "ip"}, Combine: "and"}, "192.0.2.1", []string{key + "batch-key"}, "invalid_credential"},
		{"and: stolen key", config.Identify{By: []string{"api_key", "ip"}, Combine: "and"}, "192.0.3.1", []string{key + "shop-key"}, "unidentified"},
		{"and: address without a key", config.Identify{By: []string{"api_key", "ip"}, Combine: "and"}, "192.0.2.1", nil, "unidentified"},

		{"anonymous", config.Identify{By: []string{"jwt", "api_key"}, Anonymous: true}, "", nil, "anonymous"},
		{"anonymous, with a key", config.Identify{By: []string{"jwt", "api_key"}, Anonymous: true}, "", []string{key + "shop-key"}, "shop by api_key"},
		{"anonymous, with an unknown key", config.Identify{By: []string{"jwt", "api_key"}, Anonymous: true}, "", []string{key + "x"}, "invalid_credential"},
		{"anonymous, with an empty key", config.Identify{By: []string{"api_key"}, Anonymous: true}, "", []string{key}, "unidentified"},
		{"anonymous, with another scheme", config.Identify{By: []string{"jwt", "api_key"}, Anonymous: true}, "", []string{"Authorization: Basic YTpi"}, "unidentified"},
		{"anonymous by key, authorization is the upstream's", config.Identify{By: []string{"api_key"}, Anonymous: true}, "", []string{"Authorization: Basic YTpi"}, "anonymous"},
		{"anonymous, from a known address", config.Identify{By: []string{"ip"}, Anonymous: true}, "192.0.2.1", nil, "shop by ip"},
		{"anonymous, from an unknown address", config.Identify{By: []string{"ip"}, Anonymous: true}, "192.0.3.1", nil, "anonymous"},
		{"anonymous, from an address of two", config.Identify{By: []string{"ip"}, Anonymous: true}, "192.0.2.7", nil, "invalid_credential"},
		{"anonymous and: one of two", config.Identify{By: []string{"jwt", "api_key"}, Combine: "and", Anonymous: true}, "", []string{key + "shop-key"}, "unidentified"},
		{"anonymous and: nothing", config.Identify{By: []string{"api_key", "ip"}, Combine: "and", Anonymous: true}, "192.0.2.1", nil, "anonymous"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, tt.lines...)
			if tt.from != "" {
				x.Address = netip.MustParseAddr(tt.from)
			}
			err := asks(t, &tt.cfg)(pass)(x)
			if got := told(x, err); got != tt.want {
				t.Errorf("%q (%s), want %q", got, x.Reason, tt.want)
			}
			if strings.Contains(x.Reason, "-key") {
				t.Errorf("the reason %q shows the key", x.Reason)
			}
			if err != nil && !cmp.Equal(x.Caller, exchange.Caller{}) {
				t.Errorf("refused caller is known as %+v", x.Caller)
			}
		})
	}
}

// TestLevels: all levels must be content, with the same application.
func TestLevels(t *testing.T) {
	const tokenOf, key = "Authorization: Bearer ", "X-Gateway-APIKey: "
	for _, tt := range []struct {
		name     string
		levels   []*config.Identify
		from     string
		lines    []string
		want     string
		upstream string
	}{
		{"both", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"api_key"}}}, "", []string{tokenOf + "shop", key + "shop-key", "A: b"}, "shop by token", "A: b\r\n"},
		{"the first alone", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"api_key"}}}, "", []string{tokenOf + "shop"}, "unidentified", ""},
		{"the second alone", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"api_key"}}}, "", []string{key + "shop-key"}, "token_missing", ""},
		{"of two applications", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"api_key"}}}, "", []string{tokenOf + "shop", key + "batch-key"}, "invalid_credential", ""},
		{"the same one twice", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"jwt"}, Applications: "none"}}, "", []string{tokenOf + "shop", "X-Authorization: c"}, "shop by token", "X-Authorization: c\r\n"},
		{"tokens of two callers", []*config.Identify{{By: []string{"jwt"}, Applications: "none"}, {By: []string{"jwt"}, Applications: "none", Token: &config.TokenSource{Header: "X-Second"}}}, "", []string{tokenOf + "nobody", "X-Second: shop"}, "invalid_token", ""},
		{"anonymous at one", []*config.Identify{{By: []string{"jwt"}, Anonymous: true}, {By: []string{"api_key"}}}, "", []string{key + "shop-key"}, "shop by api_key", ""},
		{"anonymous at the other", []*config.Identify{{By: []string{"jwt"}}, {By: []string{"api_key"}, Anonymous: true}}, "", []string{tokenOf + "shop"}, "shop by token", ""},
		{"anonymous at both", []*config.Identify{{By: []string{"jwt"}, Anonymous: true}, {By: []string{"api_key"}, Anonymous: true}}, "", nil, "anonymous", ""},
		{"an address settles nothing between two", []*config.Identify{{By: []string{"api_key"}}, {By: []string{"ip"}}}, "192.0.2.7", []string{key + "shop-key"}, "invalid_credential", ""},
		{"no application, then one", []*config.Identify{{By: []string{"jwt"}, Applications: "none"}, {By: []string{"ip"}}}, "192.0.2.1", []string{tokenOf + "nobody"}, "shop by token", ""},
		{
			"headers of both, the nearest counts",
			[]*config.Identify{
				{By: []string{"jwt"}, ClaimHeaders: []config.ClaimHeader{{Header: "X-Who", Claim: "azp"}, {Header: "X-App", Claim: "azp"}}},
				{By: []string{"api_key"}, CallerHeaders: []config.ClaimHeader{{Header: "X-Who", Claim: "subject"}}},
			},
			"",
			[]string{tokenOf + "shop", key + "shop-key", "X_Who: evil"},
			"shop by token", "X-App: shop\r\nX-Who: alice\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, tt.lines...)
			if tt.from != "" {
				x.Address = netip.MustParseAddr(tt.from)
			}
			err := asks(t, tt.levels...)(pass)(x)
			if got := told(x, err); got != tt.want {
				t.Errorf("%q (%s), want %q", got, x.Reason, tt.want)
			}
			if err == nil && forwarded(x) != tt.upstream {
				t.Errorf("forwarded %q, want %q", forwarded(x), tt.upstream)
			}
		})
	}
}

// TestChallenges: a 401 names all ways by which callers could do better.
func TestChallenges(t *testing.T) {
	const bearer, key, other = `Bearer realm="postern"`, `ApiKey realm="postern"`, `Postern realm="postern"`
	const bad = `Bearer realm="postern", error="invalid_token"`
	for _, tt := range []struct {
		name  string
		by    []string
		lines []string
		want  string
	}{
		{"token", []string{"jwt"}, nil, bearer},
		{"key", []string{"api_key"}, nil, key},
		{"wrong key", []string{"api_key"}, []string{"X-Gateway-APIKey: x"}, key},
		{"address", []string{"ip"}, nil, other},
		{"certificate", []string{"certificate"}, nil, other},
		{"token or key", []string{"jwt", "api_key", "ip"}, nil, bearer + ", " + key},
		{"token or key, wrong token", []string{"jwt", "api_key"}, []string{"Authorization: Bearer x"}, bad + ", " + key},
		{"key or token, wrong token", []string{"api_key", "jwt"}, []string{"Authorization: Bearer x"}, bad + ", " + key},
		{"token or key, wrong key", []string{"jwt", "api_key"}, []string{"X-Gateway-APIKey: x"}, bearer + ", " + key},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := asks(t, &config.Identify{By: tt.by})(pass)(request(t, tt.lines...))
			var p *problem.Problem
			if !errors.As(err, &p) || p.Status != 401 || p.Challenge != tt.want {
				t.Errorf("%+v, want 401 with %q", err, tt.want)
			}
		})
	}
}
