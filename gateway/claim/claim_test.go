package claim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/claim"
)

func claims(t *testing.T) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(`{
		"sub": "alice", "n": 1.50, "big": 12345678901234567890, "yes": true, "no": false, "null": null, "empty": "",
		"realm_access": {"roles": ["admin", 7, true, null, ["x"], {"y": "z"}]},
		"https://example.com/roles": ["a"], "a.b": "dotted", "a": {"b": "nested"}, "~": {"/": "odd"}, "": {"": "blank"}
	}`))
	d.UseNumber()
	var c map[string]any
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFind(t *testing.T) {
	c := claims(t)
	for _, tt := range []struct {
		name string
		want any
		ok   bool
	}{
		{"sub", "alice", true},
		{"/sub", "alice", true},
		{"n", json.Number("1.50"), true},
		{"null", nil, true},
		{"a.b", "nested", true},
		{"/a.b", "dotted", true},
		{"/a/b", "nested", true},
		{"/https:~1~1example.com~1roles/0", "a", true},
		{"/~0/~1", "odd", true},
		{"//", "blank", true},
		{"realm_access.roles.0", "admin", true},
		{"/realm_access/roles/1", json.Number("7"), true},
		{"/realm_access/roles/01", nil, false},
		{"/realm_access/roles/-1", nil, false},
		{"/realm_access/roles/6", nil, false},
		{"/realm_access/roles/x", nil, false},
		{"sub.x", nil, false},
		{"null.x", nil, false},
		{"absent", nil, false},
		{"realm_access.absent", nil, false},
	} {
		got, ok := claim.Parse(tt.name).Find(c)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: found %v (-want +got):\n%s", tt.name, ok, diff)
		}
	}
	if _, ok := claim.Parse("sub").Find(nil); ok {
		t.Error("found a claim of a token that says nothing")
	}
}

func TestText(t *testing.T) {
	c := claims(t)
	for name, want := range map[string]string{
		"sub": "alice", "n": "1.50", "big": "12345678901234567890", "yes": "true", "no": "false", "empty": "",
		"null": "-", "realm_access": "-", "realm_access.roles": "-",
	} {
		v, _ := claim.Parse(name).Find(c)
		got, ok := claim.Text(v)
		if ok != (want != "-") || ok && got != want {
			t.Errorf("%s: %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestContains(t *testing.T) {
	c := claims(t)
	for _, tt := range []struct {
		name, want string
		holds      bool
	}{
		{"realm_access.roles", "admin", true},
		{"realm_access.roles", "7", true},
		{"realm_access.roles", "true", true},
		{"realm_access.roles", "adm", false},
		{"realm_access.roles", "x", false},
		{"realm_access.roles", "", false},
		{"sub", "alice", true},
		{"sub", "ali", false},
		{"null", "", false},
		{"realm_access", "roles", false},
	} {
		v, _ := claim.Parse(tt.name).Find(c)
		if got := claim.Contains(v, tt.want); got != tt.holds {
			t.Errorf("%s contains %q: %v", tt.name, tt.want, got)
		}
	}
}
