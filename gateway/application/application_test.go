package application_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"postern/gateway/application"
	"postern/provisioning/config"
)

// set writes a claim set from claim, value, claim, value, …
func set(pairs ...string) (s config.ClaimSet) {
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, config.ClaimValue{Claim: pairs[i], Value: pairs[i+1]})
	}
	return s
}

func app(name string, sets ...config.ClaimSet) config.Application {
	return config.Application{Name: name, ID: "id-" + name, APIs: []string{"orders"}, Identify: config.Identifiers{Claims: sets}}
}

func claims(t testing.TB, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var c map[string]any
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func index(applications ...config.Application) *application.Index {
	return application.NewRegistry(applications).All()
}

// check compares what was found with a name, or else an error.
func check(t *testing.T, got *application.Application, err error, name string, want error) {
	t.Helper()
	switch {
	case want != nil:
		if !errors.Is(err, want) || got != nil {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	case err != nil || got.Name != name || got.ID != "id-"+name:
		t.Errorf("%+v, %v; want %q", got, err, name)
	}
}

func TestFind(t *testing.T) {
	suspended := app("suspended", set("azp", "old"))
	suspended.Suspended = true
	x := index(
		app("text", set("azp", "web")),
		app("sets", set("sub", "Administrator", "name", "srna"), set("sub", "Developer", "name", "lnar")),
		app("number", set("n", "7")), app("other number", set("n", "1.50")),
		app("boolean", set("admin", "true")),
		app("nested", set("realm_access.roles", "shopper")),
		app("pointer", set("/https:~1~1example.com~1client", "c")),
		app("item", set("list.1", "second")),
		app("two roles", set("roles", "a", "roles", "b")),
		app("broad", set("tier", "gold")), app("narrow", set("tier", "gold", "region", "eu")),
		suspended, app("successor", set("azp", "old", "gen", "2")),
	)
	for _, tt := range []struct {
		name, claims, want string
		err                error
	}{
		{"text", `{"azp":"web"}`, "text", nil},
		{"text in another case", `{"azp":"Web"}`, "", application.ErrNone},
		{"text in a list", `{"azp":["x","web"]}`, "text", nil},
		{"text in a list of a list", `{"azp":[["web"]]}`, "", application.ErrNone},
		{"text as a member", `{"azp":{"web":true}}`, "", application.ErrNone},
		{"text elsewhere", `{"client":"web"}`, "", application.ErrNone},
		{"all claims of the first set", `{"sub":"Administrator","name":"srna"}`, "sets", nil},
		{"all claims of the second set", `{"sub":"Developer","name":"lnar","x":1}`, "sets", nil},
		{"one claim of each set", `{"sub":"Developer","name":"srna"}`, "", application.ErrNone},
		{"part of a set", `{"sub":"Developer"}`, "", application.ErrNone},
		{"number", `{"n":7}`, "number", nil},
		{"number as text", `{"n":"7"}`, "number", nil},
		{"number written otherwise", `{"n":7.0}`, "", application.ErrNone},
		{"number as it is written", `{"n":1.50}`, "other number", nil},
		{"boolean", `{"admin":true}`, "boolean", nil},
		{"other boolean", `{"admin":false}`, "", application.ErrNone},
		{"null", `{"admin":null}`, "", application.ErrNone},
		{"nested list", `{"realm_access":{"roles":["user","shopper"]}}`, "nested", nil},
		{"nested text", `{"realm_access":{"roles":"shopper"}}`, "nested", nil},
		{"a name with dots is not nested", `{"realm_access.roles":"shopper"}`, "", application.ErrNone},
		{"pointer", `{"https://example.com/client":"c"}`, "pointer", nil},
		{"item", `{"list":["first","second"]}`, "item", nil},
		{"another item", `{"list":["second","first"]}`, "", application.ErrNone},
		{"member instead of an item", `{"list":{"1":"second"}}`, "item", nil},
		{"list that holds both", `{"roles":["b","c","a"]}`, "two roles", nil},
		{"list that holds one", `{"roles":["b","b"]}`, "", application.ErrNone},
		{"two applications", `{"azp":"web","n":7}`, "", application.ErrSeveral},
		{"two items of one list", `{"azp":["web","web"]}`, "text", nil},
		{"one application by two sets", `{"sub":["Administrator","Developer"],"name":["srna","lnar"]}`, "sets", nil},
		{"part of a larger set", `{"tier":"gold"}`, "broad", nil},
		{"both sets", `{"tier":"gold","region":"eu"}`, "", application.ErrSeveral},
		{"suspended", `{"azp":"old"}`, "", application.ErrSuspended},
		{"suspended beside another", `{"azp":"old","gen":2}`, "successor", nil},
		{"nothing", `{}`, "", application.ErrNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := x.Find("corp", claims(t, tt.claims))
			check(t, got, err, tt.want, tt.err)
		})
	}
	if got, err := index().Find("corp", claims(t, `{"azp":"web"}`)); !errors.Is(err, application.ErrNone) {
		t.Errorf("found %v among nobody, %v", got, err)
	}
}

// Strategies say whose tokens may speak for an application.
func TestStrategies(t *testing.T) {
	ofCorp, ofBoth, own, both := app("corp", set("azp", "a")), app("both", set("azp", "b")), app("own", set("azp", "c")), app("mixed")
	ofCorp.JWT = []config.Strategy{{AuthServer: "corp"}}
	ofBoth.JWT = []config.Strategy{{AuthServer: "corp"}, {AuthServer: "home"}}
	own.JWT = []config.Strategy{{Issuer: "partner"}}
	both.JWT = []config.Strategy{{Issuer: "partner"}, {AuthServer: "corp"}}
	x := index(ofCorp, ofBoth, own, both, app("open", set("azp", "d")))
	for _, tt := range []struct {
		name, server, azp, want string
		err                     error
	}{
		{"its auth server", "corp", "a", "corp", nil},
		{"another auth server", "home", "a", "", application.ErrNone},
		{"second of two", "home", "b", "both", nil},
		{"own key only", "corp", "c", "", application.ErrNone},
		{"no strategy", "corp", "d", "open", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := x.Find(tt.server, map[string]any{"azp": tt.azp})
			check(t, got, err, tt.want, tt.err)
		})
	}
}

// Whoever signs with a key of its own is that application and nobody else.
func TestOwnKey(t *testing.T) {
	named, plain, gone := app("named", set("azp", "a")), app("plain"), app("gone")
	gone.Suspended = true
	x := index(named, plain, gone, app("open", set("azp", "d")))
	for _, tt := range []struct {
		name, id, azp, want string
		err                 error
	}{
		{"without claims", "id-plain", "x", "plain", nil},
		{"with its claims", "id-named", "a", "named", nil},
		{"without its claims", "id-named", "x", "", application.ErrNone},
		{"with another's claims", "id-plain", "d", "", application.ErrSeveral},
		{"suspended", "id-gone", "x", "", application.ErrSuspended},
		{"not one of these", "id-nobody", "x", "", application.ErrNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := x.Own(tt.id, map[string]any{"azp": tt.azp})
			check(t, got, err, tt.want, tt.err)
		})
	}
}

func TestRegistered(t *testing.T) {
	all, one, both, none := app("all", set("azp", "all")), app("one", set("azp", "one")), app("both", set("azp", "both")), app("none", set("azp", "none"))
	one.APIs, both.APIs, none.APIs = []string{"orders/1"}, []string{"orders", "orders/1", "stock"}, nil
	r := application.NewRegistry([]config.Application{all, one, both, none})
	for _, tt := range []struct {
		api   config.API
		found string
	}{
		{config.API{Name: "orders", Version: "1"}, "all one both"},
		{config.API{Name: "orders", Version: "2"}, "all both"},
		{config.API{Name: "orders"}, "all both"},
		{config.API{Name: "stock", Version: "1"}, "both"},
		{config.API{Name: "files"}, ""},
	} {
		x := r.Registered(&tt.api)
		for _, name := range []string{"all", "one", "both", "none"} {
			_, err := x.Find("corp", map[string]any{"azp": name})
			if want := strings.Contains(" "+tt.found+" ", " "+name+" "); want != (err == nil) {
				t.Errorf("%s of %q: %v, want %v", name, tt.api.FullName(), err, want)
			}
		}
	}
}

func TestAudience(t *testing.T) {
	a := app("a", set("azp", "a"))
	a.JWT = []config.Strategy{{AuthServer: "corp", Audience: "x"}, {AuthServer: "corp", Audience: "y"}, {AuthServer: "home"}, {Issuer: "p", Audience: "z"}}
	b := app("b", set("azp", "b"))
	b.JWT = []config.Strategy{{Issuer: "p", Audience: "z"}, {Issuer: "q"}}
	x := index(a, b)
	first, err := x.Own("id-a", map[string]any{"azp": "a"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := x.Own("id-b", map[string]any{"azp": "b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		app        *application.Application
		server     string
		audiences  []string
		good, asks bool
	}{
		{"one of two", first, "corp", []string{"q", "y"}, true, true},
		{"none of two", first, "corp", []string{"q", "z"}, false, true},
		{"no audiences", first, "corp", nil, false, true},
		{"another server's", first, "home", []string{"x"}, false, false},
		{"own key", first, "", []string{"z"}, true, true},
		{"own key, another", first, "", []string{"x"}, false, true},
		{"own keys of which one asks for none", second, "", []string{"x"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if good, asks := tt.app.Audience(tt.server, tt.audiences); good != tt.good || asks != tt.asks {
				t.Errorf("good %v, asks %v; want %v, %v", good, asks, tt.good, tt.asks)
			}
		})
	}
}
