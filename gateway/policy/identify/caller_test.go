package identify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/policy/identify"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// site is an API that believes two auth servers, and applications.
type site struct {
	api          config.API
	corp         config.AuthServer
	users        []config.User
	applications []config.Application
}

// judge lets a token call the API's /shop/items at api.example.com.
func (s site) judge(t *testing.T, token *introspect.Token, secure bool) (*exchange.Exchange, error) {
	t.Helper()
	s.corp.Name = "corp"
	if s.corp.Audience == nil {
		s.corp.Audience = unchecked
	}
	users := map[string]*config.User{}
	for i := range s.users {
		users[s.users[i].Name] = &s.users[i]
	}
	home := &config.AuthServer{Name: "home", Audience: unchecked}
	believed := identify.Believed{Tokens: fake{"t": token}, Servers: map[string]*config.AuthServer{"corp": &s.corp, "home": home}, Users: users}
	if s.api.Policies.Identify == nil {
		s.api.Policies.Identify = &config.Identify{}
	}
	s.api.Name = "shop"
	policy := build(&s.api, believed, metrics.New(metrics.Sources{}), s.applications...)
	x := request(t, "Authorization: Bearer t")
	x.HTTP.Request.Header.SetHost("api.Example.com:8443")
	x.Path, x.Secure = []byte("/shop/items"), secure
	x.Rest = x.Path[len("/shop"):]
	return x, policy(func(*exchange.Exchange) error { return nil })(x)
}

// want compares an outcome with a reason; "" is that of a token that passes.
func want(t *testing.T, x *exchange.Exchange, err error, reason string) {
	t.Helper()
	switch {
	case reason == "" && err != nil:
		t.Errorf("%v: %s", err, x.Reason)
	case reason != "" && (!errors.Is(err, problem.InvalidToken) || !strings.Contains(x.Reason, reason)):
		t.Errorf("%v, reason %q; want %q", err, x.Reason, reason)
	case reason != "" && !cmp.Equal(x.Caller, exchange.Caller{}):
		t.Errorf("refused caller is known as %+v", x.Caller)
	}
}

func TestSubject(t *testing.T) {
	users := []config.User{{Name: "alice", Groups: []string{"staff"}}, {Name: "svc-1"}}
	const other, nobody = "subject is not one", "it is no user"
	for _, tt := range []struct {
		name    string
		rule    *config.Subject
		subject string
		reason  string
		groups  []string
	}{
		{"no rule", nil, "alice", "", nil},
		{"one of them", &config.Subject{Any: []string{"bob", "alice"}}, "alice", "", nil},
		{"another", &config.Subject{Any: []string{"bob", "alice"}}, "Alice", other, nil},
		{"none", &config.Subject{Any: []string{"alice"}}, "", other, nil},
		{"begins so", &config.Subject{Any: []string{"alice", "svc-*"}}, "svc-1", "", nil},
		{"begins so, and nothing follows", &config.Subject{Any: []string{"svc-*"}}, "svc-", "", nil},
		{"holds it", &config.Subject{Any: []string{"svc-*"}}, "xsvc-1", other, nil},
		{"line feed", &config.Subject{Any: []string{"svc-*"}}, "svc-\n1", "", nil},
		{"line feed behind", &config.Subject{Any: []string{"alice"}}, "alice\n", other, nil},
		{"other marks are themselves", &config.Subject{Any: []string{"a.c|x"}}, "abc", other, nil},
		{"stars inside", &config.Subject{Any: []string{"a*c*e"}}, "abcde", "", nil},
		{"pattern", &config.Subject{Pattern: "[a-z]+|x"}, "alice", "", nil},
		{"pattern is whole", &config.Subject{Pattern: "[a-z]+|x"}, "alice1", other, nil},
		{"user", &config.Subject{User: true}, "alice", "", []string{"staff"}},
		{"user without groups", &config.Subject{User: true}, "svc-1", "", nil},
		{"no user", &config.Subject{User: true}, "bob", nobody, nil},
		{"no subject", &config.Subject{User: true}, "", nobody, nil},
		{"user, and one of them", &config.Subject{User: true, Any: []string{"svc-*"}}, "svc-1", "", nil},
		{"user, and not one of them", &config.Subject{User: true, Any: []string{"svc-*"}}, "alice", other, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := site{corp: config.AuthServer{Subject: tt.rule}, users: users}
			x, err := s.judge(t, &introspect.Token{AuthServer: "corp", Subject: tt.subject}, false)
			want(t, x, err, tt.reason)
			if diff := cmp.Diff(tt.groups, x.Caller.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

// shop and batch are applications of the API, far is one of another.
func applications() []config.Application {
	named := func(name string, claims ...config.ClaimValue) config.Application {
		return config.Application{Name: name, ID: "id-" + name, APIs: []string{"shop"}, Identify: config.Identifiers{Claims: []config.ClaimSet{claims}}}
	}
	shop, batch, old, far := named("shop", config.ClaimValue{Claim: "azp", Value: "shop"}), named("batch", config.ClaimValue{Claim: "roles", Value: "batch"}), named("old", config.ClaimValue{Claim: "azp", Value: "old"}), named("far", config.ClaimValue{Claim: "azp", Value: "far"})
	old.Suspended, far.APIs = true, nil
	own, away := config.Application{Name: "own", ID: "id-own", APIs: []string{"shop"}}, config.Application{Name: "away", ID: "id-away"}
	own.JWT = []config.Strategy{{Issuer: "p", Audience: "mine"}}
	away.JWT = []config.Strategy{{Issuer: "p"}}
	return []config.Application{shop, batch, old, far, own, away}
}

func TestApplications(t *testing.T) {
	const none, several, suspended, far = "no application has", "several applications", "suspended", "not registered for this API"
	by := func(azp string, roles ...any) *introspect.Token {
		return &introspect.Token{AuthServer: "corp", Subject: "alice", Claims: map[string]any{"azp": azp, "roles": roles}}
	}
	own := func(id string, audiences ...string) *introspect.Token {
		return &introspect.Token{Application: id, Subject: "robot", Audience: audiences, Claims: map[string]any{"azp": "x"}}
	}
	thief := own("id-own", "mine")
	thief.Claims["azp"] = "shop"
	for _, tt := range []struct {
		name                  string
		token                 *introspect.Token
		registered, all, open string // the application found, or the reason in capitals
	}{
		{"registered", by("shop"), "shop", "shop", "shop"},
		{"registered, by a list", by("x", "a", "batch"), "batch", "batch", "batch"},
		{"nobody's", by("x"), "!" + none, "!" + none, ""},
		{"two", by("shop", "batch"), "!" + several, "!" + several, ""},
		{"suspended", by("old"), "!" + suspended, "!" + suspended, ""},
		{"of another API", by("far"), "!" + far, "far", "far"},
		{"own key", own("id-own", "mine"), "own", "own", "own"},
		{"own key, another audience", own("id-own", "yours"), "!another audience", "!another audience", "!another audience"},
		{"own key, of another API", own("id-away"), "!" + far, "away", "!" + far},
		{"own key, of nobody", own("id-gone"), "!" + none, "!" + none, "!" + none},
		{"own key, with another's claims", thief, "!" + several, "!" + several, "!" + several},
	} {
		for mode, found := range map[string]string{"registered": tt.registered, "all": tt.all, "none": tt.open} {
			t.Run(tt.name+", "+mode, func(t *testing.T) {
				s := site{api: config.API{Policies: config.Policies{Identify: &config.Identify{Applications: mode}}}, applications: applications()}
				x, err := s.judge(t, tt.token, false)
				reason, refused := strings.CutPrefix(found, "!")
				if refused {
					want(t, x, err, reason)
					return
				}
				want(t, x, err, "")
				expected := exchange.Application{}
				if found != "" {
					expected = exchange.Application{Name: found, ID: "id-" + found}
				}
				if x.Caller.Application != expected {
					t.Errorf("found %+v, want %+v", x.Caller.Application, expected)
				}
			})
		}
	}
}

func TestAudienceOfApplications(t *testing.T) {
	const another = "another audience"
	shop := applications()[:1]
	strict := applications()[:1]
	strict[0].JWT = []config.Strategy{{AuthServer: "corp", Audience: "shop-app"}, {AuthServer: "home"}}
	orders := &config.Audience{Any: []string{"orders"}}
	for _, tt := range []struct {
		name         string
		applications []config.Application
		audience     *config.Audience
		also         string
		audiences    string
		reason       string
	}{
		{"server's", strict, orders, "", "orders", ""},
		{"strategy's", strict, orders, "", "x shop-app", ""},
		{"neither", strict, orders, "", "x", another},
		{"none", strict, orders, "", "", another},
		{"none, optional", strict, &config.Audience{Any: []string{"orders"}, Optional: true}, "", "", ""},
		{"unchecked, strategy's", strict, unchecked, "", "shop-app", ""},
		{"unchecked, but a strategy asks", strict, unchecked, "", "x", another},
		{"unchecked, but a strategy asks and there is none", strict, unchecked, "", "", another},
		{"unchecked, no strategy", shop, unchecked, "", "x", ""},
		{"application's id", shop, orders, "application_id", "id-shop", ""},
		{"application's id is not asked for", shop, orders, "api_uri", "id-shop", another},
		{"another application's id", shop, orders, "application_id", "id-batch", another},
		{"API's address", shop, orders, "api_uri", "https://api.example.com/shop", ""},
		{"API's address with its port", shop, orders, "api_uri", "https://api.example.com:8443/shop/", ""},
		{"another port", shop, orders, "api_uri", "https://api.example.com:443/shop", another},
		{"request's address", shop, orders, "api_uri", "http://API.example.com/shop/items", ""},
		{"another path", shop, orders, "api_uri", "https://api.example.com/shop/item", another},
		{"no path", shop, orders, "api_uri", "https://api.example.com", another},
		{"another host", shop, orders, "api_uri", "https://example.com/shop", another},
		{"no host", shop, orders, "api_uri", "https:///shop", another},
		{"no address", shop, orders, "api_uri", "api.example.com/shop", another},
		{"API's address is not asked for", shop, orders, "application_id", "https://api.example.com/shop", another},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := &config.Identify{Applications: "registered", AudienceAlso: strings.Fields(tt.also)}
			s := site{api: config.API{Policies: config.Policies{Identify: id}}, corp: config.AuthServer{Audience: tt.audience}, applications: tt.applications}
			token := &introspect.Token{AuthServer: "corp", Audience: strings.Fields(tt.audiences), Claims: map[string]any{"azp": "shop"}}
			x, err := s.judge(t, token, false)
			want(t, x, err, tt.reason)
		})
	}
	s := site{api: config.API{Policies: config.Policies{Identify: &config.Identify{AudienceAlso: []string{"api_uri"}}}}, corp: config.AuthServer{Audience: orders}}
	x, err := s.judge(t, &introspect.Token{AuthServer: "corp", Audience: []string{"http://api.example.com/shop"}}, true)
	want(t, x, err, another)
}

// TestAudienceOfStrangers: where no application is needed, those of other APIs
// open none by their own audiences, though they may still ask for one.
func TestAudienceOfStrangers(t *testing.T) {
	far := applications()[3:4]
	far[0].JWT = []config.Strategy{{AuthServer: "corp", Audience: "far-app"}}
	near := applications()[:1]
	near[0].JWT = []config.Strategy{{AuthServer: "corp", Audience: "shop-app"}}
	const another = "another audience"
	orders := &config.Audience{Any: []string{"orders"}}
	for _, tt := range []struct {
		name         string
		want         string
		applications []config.Application
		azp          string
		audience     *config.Audience
		token        string
		reason       string
	}{
		{"server's", "none", far, "far", orders, "orders", ""},
		{"of another API's application", "none", far, "far", orders, "far-app", another},
		{"id of another API's application", "none", far, "far", orders, "id-far", another},
		{"of the API's application", "none", near, "shop", orders, "shop-app", ""},
		{"id of the API's application", "none", near, "shop", orders, "id-shop", ""},
		{"unchecked, and asked for", "none", far, "far", unchecked, "far-app", ""},
		{"unchecked, and asked for another", "none", far, "far", unchecked, "orders", another},
		{"any application", "all", far, "far", orders, "far-app", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := &config.Identify{Applications: tt.want, AudienceAlso: []string{"application_id"}}
			s := site{api: config.API{Policies: config.Policies{Identify: id}}, corp: config.AuthServer{Audience: tt.audience}, applications: tt.applications}
			x, err := s.judge(t, &introspect.Token{AuthServer: "corp", Audience: []string{tt.token}, Claims: map[string]any{"azp": tt.azp}}, false)
			want(t, x, err, tt.reason)
		})
	}
}

func TestCallerHeaders(t *testing.T) {
	headers := []config.ClaimHeader{{Header: "X-Sub", Claim: "subject"}, {Header: "X-Iss", Claim: "issuer"}, {Header: "X-App", Claim: "application.name"}, {Header: "X-App-Id", Claim: "application.id"}}
	for _, tt := range []struct {
		name  string
		token introspect.Token
		want  string
	}{
		{"all", introspect.Token{Subject: "alice", Issuer: "https://idp", Claims: map[string]any{"azp": "shop"}}, "X-Sub: alice\r\nX-Iss: https://idp\r\nX-App: shop\r\nX-App-Id: id-shop\r\n"},
		{"none known", introspect.Token{}, ""},
		{"not showable", introspect.Token{Subject: "a\r\nX-App: root"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.token.AuthServer = "corp"
			s := site{api: config.API{Policies: config.Policies{Identify: &config.Identify{CallerHeaders: headers}}}, applications: applications()}
			x, err := s.judge(t, &tt.token, false)
			want(t, x, err, "")
			if diff := cmp.Diff(tt.want, forwarded(x)); diff != "" {
				t.Errorf("forwarded (-want +got):\n%s", diff)
			}
		})
	}
}
