package identify_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/identify"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/introspect"
	"postern/provisioning/config"
)

// fake knows tokens by their text.
type fake map[string]any

func (f fake) Introspect(_ context.Context, raw string, _ time.Time) (*introspect.Token, error) {
	switch v := f[raw].(type) {
	case *introspect.Token:
		return v, nil
	case error:
		return nil, v
	}
	return nil, fmt.Errorf("parse: %w", introspect.ErrMalformed)
}

// request is an exchange as the server makes it.
func request(t testing.TB, lines ...string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	raw := "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "", ""), "\r\n")
	header := &x.HTTP.Request.Header
	if err := header.Read(bufio.NewReaderSize(strings.NewReader(raw), len(raw))); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ReadRequest(header, &x.Head); err != nil {
		t.Fatal(err)
	}
	return x
}

// forwarded is what the upstream would see, without Host.
func forwarded(x *exchange.Exchange) string { return string(x.Head.AppendForward(nil)) }

// believe makes the policy of an API that believes corp, which has an audience.
func believe(cfg *config.Identify, f fake, audience *config.Audience) exchange.Policy {
	believed := identify.Believed{Tokens: f, Servers: map[string]*config.AuthServer{"corp": {Name: "corp", Audience: audience}}}
	return build(&config.API{Policies: config.Policies{Identify: cfg}}, believed, metrics.New(metrics.Sources{}))
}

// build makes the policy of an API that needs no application unless it says so.
func build(api *config.API, believed identify.Believed, m *metrics.Instruments, applications ...config.Application) exchange.Policy {
	if api.Policies.Identify.Applications == "" {
		api.Policies.Identify.Applications = "none"
	}
	if api.Policies.Identify.By == nil {
		api.Policies.Identify.By = []string{"jwt"}
	}
	registry := application.NewRegistry(applications)
	known := identify.Known{Registered: registry.Registered(api), All: registry.All()}
	rules := identify.Rules{API: api, Identify: api.Policies.Identify, Believed: believed, Known: known}
	return chained(identify.New(rules, m), identify.Conceal("", nil, rules.Identify))
}

// chained is several policies as one.
func chained(policies ...exchange.Policy) exchange.Policy {
	return func(next exchange.Handler) exchange.Handler { return exchange.Chain(next, policies...) }
}

var unchecked = &config.Audience{Unchecked: true}

func TestCredentials(t *testing.T) {
	good := &introspect.Token{AuthServer: "corp", Issuer: "https://idp", Subject: "alice", Scopes: []string{"a"}}
	tokens := fake{
		"good":        good,
		"unreachable": fmt.Errorf("corp: %w", introspect.ErrUnreachable),
		"busy":        introspect.ErrBusy,
		"expired":     fmt.Errorf("exp 5: %w", introspect.ErrExpired),
		"stranger":    &introspect.Token{AuthServer: "other"},
	}
	for _, tt := range []struct {
		name   string
		lines  []string
		err    error
		reason string
	}{
		{name: "good", lines: []string{"Authorization: Bearer good"}},
		{name: "scheme in any case", lines: []string{"authorization: bEARER   good"}},
		{name: "none", err: problem.TokenMissing},
		{name: "empty field", lines: []string{"Authorization:"}, err: problem.TokenMissing},
		{name: "scheme alone", lines: []string{"Authorization: Bearer"}, err: problem.TokenMissing},
		{name: "nothing after the scheme", lines: []string{"Authorization: Bearer   "}, err: problem.TokenMissing},
		{name: "another scheme", lines: []string{"Authorization: Basic good"}, err: problem.TokenMissing},
		{name: "token alone", lines: []string{"Authorization: good"}, err: problem.TokenMissing},
		{name: "twin name", lines: []string{"X-Authorization: Bearer good"}, err: problem.TokenMissing},
		{name: "two tokens", lines: []string{"Authorization: Bearer good good"}, err: problem.InvalidToken, reason: "parse: token is malformed"},
		{name: "list", lines: []string{"Authorization: Bearer good, Bearer good"}, err: problem.InvalidToken, reason: "parse: token is malformed"},
		{name: "expired", lines: []string{"Authorization: Bearer expired"}, err: problem.InvalidToken, reason: "exp 5: token has expired"},
		{name: "no keys", lines: []string{"Authorization: Bearer unreachable"}, err: problem.KeysUnavailable, reason: "corp: no usable key set"},
		{name: "busy", lines: []string{"Authorization: Bearer busy"}, err: problem.Overloaded, reason: "too many verifications at once"},
		{name: "server that is not this API's", lines: []string{"Authorization: Bearer stranger"}, err: problem.InvalidToken, reason: "token's auth server is not one of this API"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, tt.lines...)
			passed := false
			policy := believe(&config.Identify{}, tokens, unchecked)
			err := policy(func(*exchange.Exchange) error { passed = true; return nil })(x)
			if !errors.Is(err, tt.err) || passed != (tt.err == nil) || x.Reason != tt.reason {
				t.Fatalf("%v, passed %v, reason %q; want %v, %q", err, passed, x.Reason, tt.err, tt.reason)
			}
			if !passed {
				return
			}
			want := exchange.Caller{Subject: "alice", Issuer: "https://idp", Scopes: []string{"a"}, By: "token"}
			if diff := cmp.Diff(want, x.Caller); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
			if got := forwarded(x); got != "" {
				t.Errorf("forwarded %q", got)
			}
		})
	}
}

func TestAudience(t *testing.T) {
	any := []string{"orders", "shop"}
	for _, tt := range []struct {
		name     string
		audience *config.Audience
		got      []string
		pass     bool
	}{
		{"one of them", &config.Audience{Any: any}, []string{"x", "shop"}, true},
		{"another", &config.Audience{Any: any}, []string{"x", "Shop"}, false},
		{"none", &config.Audience{Any: any}, nil, false},
		{"none, optional", &config.Audience{Any: any, Optional: true}, nil, true},
		{"another, optional", &config.Audience{Any: any, Optional: true}, []string{"x"}, false},
		{"another, unchecked", unchecked, []string{"x"}, true},
		{"none, unchecked", unchecked, nil, true},
		{"nothing configured", nil, []string{"orders"}, false},
		{"nothing listed", &config.Audience{}, []string{""}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens := fake{"t": &introspect.Token{AuthServer: "corp", Audience: tt.got}}
			policy := believe(&config.Identify{}, tokens, tt.audience)
			err := policy(func(*exchange.Exchange) error { return nil })(request(t, "Authorization: Bearer t"))
			if tt.pass != (err == nil) || !tt.pass && !errors.Is(err, problem.InvalidToken) {
				t.Errorf("%v, want pass %v", err, tt.pass)
			}
		})
	}
}

func TestClaimHeaders(t *testing.T) {
	const left = " cannot be shown in a header and was left out"
	for _, tt := range []struct {
		name, claims, claim string
		lines               []string
		want, reason        string
	}{
		{name: "text", claims: `{"sub":"alice"}`, claim: "sub", want: "X-User: alice\r\n"},
		{name: "number as written", claims: `{"n":1.50}`, claim: "n", want: "X-User: 1.50\r\n"},
		{name: "boolean", claims: `{"b":true}`, claim: "b", want: "X-User: true\r\n"},
		{name: "list", claims: `{"r":{"roles":["a","b",3,true]}}`, claim: "r.roles", want: "X-User: a,b,3,true\r\n"},
		{name: "list with what has no text", claims: `{"r":["a",{},[],null,"","b"]}`, claim: "r", want: "X-User: a,b\r\n"},
		{name: "pointer", claims: `{"https://x/r":"a"}`, claim: "/https:~1~1x~1r", want: "X-User: a\r\n"},
		{name: "beyond ascii", claims: `{"sub":"grün"}`, claim: "sub", want: "X-User: grün\r\n"},
		{name: "absent", claims: `{}`, claim: "sub"},
		{name: "null", claims: `{"sub":null}`, claim: "sub"},
		{name: "object", claims: `{"sub":{"a":"b"}}`, claim: "sub"},
		{name: "empty", claims: `{"sub":""}`, claim: "sub"},
		{name: "empty list", claims: `{"sub":[]}`, claim: "sub"},
		{name: "another line in it", claims: `{"sub":"a\r\nX-Admin: 1"}`, claim: "sub", reason: "claim sub" + left},
		{name: "line feed in an item", claims: `{"sub":["a","b\nc"]}`, claim: "sub", reason: "claim sub" + left},
		{name: "nul", claims: `{"sub":"a\u0000"}`, claim: "sub", reason: "claim sub" + left},
		{name: "space at the end", claims: `{"sub":"admin "}`, claim: "sub", reason: "claim sub" + left},
		{name: "comma in an item", claims: `{"sub":["a,admin"]}`, claim: "sub", reason: "claim sub" + left},
		{name: "comma in a text", claims: `{"sub":"Doe, Jane"}`, claim: "sub", want: "X-User: Doe, Jane\r\n"},
		{
			name: "copies of the caller", claims: `{"sub":"alice"}`, claim: "sub", want: "Accept: x\r\nX-User: alice\r\n",
			lines: []string{"X-User: evil", "x-user: evil", "X_User: evil", "x_uSER: evil", "Accept: x"},
		},
		{name: "copies, claim absent", claims: `{}`, claim: "sub", lines: []string{"X-User: evil", "X_User: evil"}},
		{name: "copies, claim refused", claims: `{"sub":"\n"}`, claim: "sub", lines: []string{"X-USER: evil"}, reason: "claim sub" + left},
		{name: "nominated by connection", claims: `{"sub":"alice"}`, claim: "sub", lines: []string{"Connection: X-User, close"}, want: "X-User: alice\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := json.NewDecoder(strings.NewReader(tt.claims))
			d.UseNumber()
			token := &introspect.Token{AuthServer: "corp"}
			if err := d.Decode(&token.Claims); err != nil {
				t.Fatal(err)
			}
			cfg := &config.Identify{ClaimHeaders: []config.ClaimHeader{{Header: "X-User", Claim: tt.claim}}}
			policy := believe(cfg, fake{"t": token}, unchecked)
			x := request(t, append([]string{"Authorization: Bearer t"}, tt.lines...)...)
			if err := policy(func(*exchange.Exchange) error { return nil })(x); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, forwarded(x)); diff != "" || x.Reason != tt.reason {
				t.Errorf("reason %q, want %q; forwarded (-want +got):\n%s", x.Reason, tt.reason, diff)
			}
		})
	}
}

func TestTokensAreCounted(t *testing.T) {
	m := metrics.New(metrics.Sources{})
	tokens := fake{
		"good": &introspect.Token{AuthServer: "corp", Audience: []string{"orders"}}, "other": &introspect.Token{AuthServer: "corp"},
		"sig": introspect.ErrSignature, "odd": errors.New("odd"),
	}
	believed := identify.Believed{Tokens: tokens, Servers: map[string]*config.AuthServer{"corp": {Audience: &config.Audience{Any: []string{"orders"}}}}}
	h := build(&config.API{Policies: config.Policies{Identify: &config.Identify{}}}, believed, m)(func(*exchange.Exchange) error { return nil })
	for _, token := range []string{"good", "good", "other", "sig", "odd", ""} {
		_ = h(request(t, "Authorization: Bearer "+token)) // counted, whatever it is
	}
	var scrape bytes.Buffer
	m.Write(&scrape)
	for _, want := range []string{`{outcome="accepted"} 2`, `{outcome="audience"} 1`, `{outcome="signature"} 1`, `{outcome="other"} 1`, `{outcome="expired"} 0`} {
		if !strings.Contains(scrape.String(), "postern_tokens_total"+want+"\n") {
			t.Errorf("no %s in the scrape", want)
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	token := &introspect.Token{AuthServer: "corp", Audience: []string{"orders"}, Subject: "alice", Claims: map[string]any{"sub": "alice", "roles": []any{"a", "b"}}}
	cfg := &config.Identify{ClaimHeaders: []config.ClaimHeader{{Header: "X-User", Claim: "sub"}, {Header: "X-Roles", Claim: "roles"}}}
	h := believe(cfg, fake{"t": token}, &config.Audience{Any: []string{"orders"}})(func(*exchange.Exchange) error { return nil })
	next := repeated("Authorization: Bearer t", "X-User: evil")
	b.ReportAllocs()
	for b.Loop() {
		if err := h(next()); err != nil {
			b.Fatal(err)
		}
	}
}

// repeated makes the same request again and again, in the same memory.
func repeated(lines ...string) func() *exchange.Exchange {
	raw := "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "", ""), "\r\n")
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	text, br := strings.NewReader(raw), bufio.NewReader(nil)
	return func() *exchange.Exchange {
		text.Reset(raw)
		br.Reset(text)
		x.Reset()
		_ = x.HTTP.Request.Header.Read(br) // as in request
		_, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
		return x
	}
}
