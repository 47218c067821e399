package message_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"postern/gateway/message"
)

func spot(t testing.TB, path string) *message.Spot {
	t.Helper()
	s, err := message.NewSpot(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpotSets(t *testing.T) {
	for _, tt := range []struct{ path, text, want string }{
		{"$", ` {"a":1} `, " V "},
		{"$.a", `{"a":1}`, `{"a":V}`},
		{"$.a", `{ "a" : [1, {"a":2}] , "b":1.50}`, `{ "a" : V , "b":1.50}`},
		{"$['a']", `{"\u0061":1}`, `{"\u0061":V}`},
		{"$.b", `{"a":1}`, `{"a":1,"b":V}`},
		{"$.b", `{"a":1 }`, `{"a":1,"b":V }`},
		{"$.b", `{ }`, `{"b":V }`},
		{"$.b.c", `{"a":1}`, `{"a":1,"b":{"c":V}}`},
		{"$.b.c", `{"b":{}}`, `{"b":{"c":V}}`},
		{"$.b.c", `{"b":null}`, `{"b":null}`},
		{"$.b[0]", `{"a":1}`, `{"a":1}`},
		{"$[1]", `[1,"]",3]`, `[1,V,3]`},
		{"$[3]", `[1,2,3]`, `[1,2,3]`},
		{"$[0]", `{"0":1}`, `{"0":1}`},
		{"$.a", `[{"a":1}]`, `[{"a":1}]`},
		{"$[*]", `[1, 2]`, `[V, V]`},
		{"$.*", `{"a":1,"b":{"c":2}}`, `{"a":V,"b":V}`},
		{"$[*].a", `[{"a":1},{"b":2},3]`, `[{"a":V},{"b":2,"a":V},3]`},
		{"$[*]", `[]`, `[]`},
		{`$['q"\\']`, `{}`, `{"q\"\\":V}`},
		{"$.a", `{"x":"\\","y":"{\"a\":1}","a":true}`, `{"x":"\\","y":"{\"a\":1}","a":V}`},
	} {
		got, err := spot(t, tt.path).Set([]byte(tt.text), []byte("V"), 1000)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s in %s: %s, want %s (%v)", tt.path, tt.text, got, tt.want, err)
		}
	}
}

func TestSpotRemoves(t *testing.T) {
	for _, tt := range []struct{ path, text, want string }{
		{"$.a", `{"a":1}`, `{}`},
		{"$.a", `{ "a" : 1 , "b":2}`, `{ "b":2}`},
		{"$.b", `{"a":1, "b":2 , "c":3}`, `{"a":1 , "c":3}`},
		{"$.c", `{"a":1,"c":{"d":[]} }`, `{"a":1 }`},
		{"$.d", `{"a":1}`, `{"a":1}`},
		{"$[0]", `[1,2]`, `[2]`},
		{"$[1]", `[1,2]`, `[1]`},
		{"$[*]", `[1,{"a":2}]`, `[]`},
		{"$.*", `{"a":1,"b":2}`, `{}`},
		{"$[*].a", `[{"a":1},{"b":2,"a":3},[],4]`, `[{},{"b":2},[],4]`},
		{"$.a.b.c", `{"a":{"b":{"c":1,"d":2}}}`, `{"a":{"b":{"d":2}}}`},
	} {
		got, err := spot(t, tt.path).Remove([]byte(tt.text), 1000)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s of %s: %s, want %s (%v)", tt.path, tt.text, got, tt.want, err)
		}
	}
}

func TestSpotsThatAreNone(t *testing.T) {
	for _, path := range []string{"", "a", "$..a", "$[-1]", "$[0:1]", "$['a','b']", "$[?(@.a)]", "$.a[", "[0]", "$." + strings.Repeat("a", 1000)} {
		if _, err := message.NewSpot(path); err == nil {
			t.Errorf("%q is accepted", path)
		}
	}
}

// A short body in which a long value is set everywhere does not fill the memory.
func TestSpotIsBounded(t *testing.T) {
	text := []byte("[" + strings.Repeat("1,", 99_999) + "1]")
	if _, err := spot(t, "$[*]").Set(text, make([]byte, 1<<20), 4<<20); !errors.Is(err, message.ErrTooMuch) {
		t.Error(err)
	}
}

// pathOf is a spot as FuzzSpot follows it on its own.
var fuzzed = []struct {
	path  string
	names []any // string, int, nil: all
}{
	{"$.a", []any{"a"}},
	{"$.a.b", []any{"a", "b"}},
	{"$[1]", []any{1}},
	{"$.l[*].a", []any{"l", nil, "a"}},
	{"$.*", []any{nil}},
}

// change sets what names lead to in a tree, or removes it, as Spot says.
func change(tree any, names []any, set bool) any {
	if len(names) == 0 {
		return "new"
	}
	last := len(names) == 1 && !set
	switch v := tree.(type) {
	case map[string]any:
		if name, ok := names[0].(string); ok {
			if _, there := v[name]; !there {
				return addTo(v, names, set)
			}
		}
		for key := range v {
			switch fits := names[0] == nil || names[0] == key; {
			case fits && last:
				delete(v, key)
			case fits:
				v[key] = change(v[key], names[1:], set)
			}
		}
	case []any:
		kept := []any{}
		for i := range v {
			fits := names[0] == nil || names[0] == i
			if fits && !last {
				v[i] = change(v[i], names[1:], set)
			}
			if !fits || !last {
				kept = append(kept, v[i])
			}
		}
		return kept
	}
	return tree
}

func addTo(v map[string]any, names []any, set bool) any {
	var value any = "new"
	for i := len(names) - 1; i > 0; i-- {
		name, ok := names[i].(string)
		if !ok {
			return v
		}
		value = map[string]any{name: value}
	}
	if set {
		v[names[0].(string)] = value
	}
	return v
}

// parsed is JSON with its numbers as they are written: not all have a value here.
func parsed(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return value, d.Decode(&value)
}

// Whatever the text: it stays JSON, and becomes what its tree becomes.
func FuzzSpot(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a":{"b":[]},"l":[{"a":1},{}, 2]}`, ` [ 1 , 2 ] `, `{"l":[]}`, `"\""`, `{"a" : {} , "b":"}"}`} {
		f.Add(seed)
	}
	bodies := message.New(1<<16, 1<<30)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || len(text) > 1000 {
			return
		}
		m, err := bodies.Request(posted(t, "application/json", text))
		if err != nil {
			return
		}
		if _, err := m.JSON(); err != nil {
			return // as callers of Spot make sure
		}
		plain, err := m.Text() // without its charset
		if err != nil {
			t.Fatal(err)
		}
		text = string(plain)
		for _, tt := range fuzzed {
			for _, set := range []bool{true, false} {
				s := spot(t, tt.path)
				got, err := s.Remove([]byte(text), 1<<20)
				if set {
					got, err = s.Set([]byte(text), []byte(`"new"`), 1<<20)
				}
				tree, wrong := parsed(text)
				if wrong != nil || err != nil {
					t.Fatal(wrong, err)
				}
				became, err := parsed(string(got))
				if err != nil {
					t.Fatalf("%s, %v: %q became %q: %v", tt.path, set, text, got, err)
				}
				if want := change(tree, tt.names, set); !reflect.DeepEqual(became, want) {
					t.Fatalf("%s, %v: %q became %q, want %v", tt.path, set, text, got, want)
				}
			}
		}
	})
}
