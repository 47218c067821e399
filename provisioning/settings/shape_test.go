package settings

import (
	"reflect"
	"slices"
	"testing"

	"postern/provisioning/config"
)

// A key that is known is no longer one of a later gateway.
func TestLaterKeysAreNotKnown(t *testing.T) {
	for typ, keys := range later {
		known := shapes{}.of(typ)
		for _, key := range keys {
			if slices.Contains(known.names, key) {
				t.Errorf("%s has %q", typ, key)
			}
		}
	}
}

// Every type of the grammar has a rule in the decoder, and every struct of it
// keys: a field without a yaml tag could never be set.
func TestEveryTypeHasARule(t *testing.T) {
	written := []reflect.Type{
		reflect.TypeFor[config.Duration](), reflect.TypeFor[config.Size](), reflect.TypeFor[config.Ratio](), reflect.TypeFor[config.Address](), reflect.TypeFor[config.Secret](),
		reflect.TypeFor[config.File](), reflect.TypeFor[config.Definition](), reflect.TypeFor[config.Installation](), reflect.TypeFor[config.Prefix](), reflect.TypeFor[config.Issuer](), reflect.TypeFor[config.Audience](),
		reflect.TypeFor[[]config.ClaimHeader](), reflect.TypeFor[[]config.Namespace](), reflect.TypeFor[[]config.Setting](), reflect.TypeFor[config.ClaimSet](), reflect.TypeFor[config.Balance](),
		reflect.TypeFor[config.Origin](), reflect.TypeFor[config.APIKey](), reflect.TypeFor[config.AddressRange](), reflect.TypeFor[config.Period](), reflect.TypeFor[config.ThrottleBy](), reflect.TypeFor[config.ThrottleFor](), reflect.TypeFor[config.MonitorFor](), reflect.TypeFor[config.TTL](), reflect.TypeFor[[]config.Alias](),
	}
	d := &decoder{tree: &Tree{}, shapes: shapes{}, broken: map[string]bool{}, partly: map[string]bool{}}
	for _, typ := range written {
		if !d.union(&Node{Kind: Broken, src: &Source{}}, reflect.New(typ).Interface(), field{}) {
			t.Errorf("%s is not decoded by a rule of its own", typ)
		}
	}
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, at string) {
		switch {
		case slices.Contains(written, typ):
		case typ.Kind() == reflect.Pointer, typ.Kind() == reflect.Slice:
			walk(typ.Elem(), at)
		case typ.Kind() == reflect.Struct:
			for _, key := range (shapes{}).of(typ).names {
				walk(typ.Field((shapes{}).of(typ).fields[key].index).Type, at+"."+key)
			}
			for i := range typ.NumField() { // a word may stand instead of the keys
				if f := typ.Field(i); f.Tag.Get("yaml") == "" && f.Name != "None" && f.Name != "Word" {
					t.Errorf("%s: %s.%s has no key", at, typ, f.Name)
				}
			}
		case !slices.Contains([]reflect.Kind{reflect.String, reflect.Bool, reflect.Int}, typ.Kind()):
			t.Errorf("%s: no rule for %s", at, typ)
		}
	}
	walk(reflect.TypeFor[config.Config](), "")
}
