package config

import "testing"

func TestMatchesWildcard(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"orders", "orders", true},
		{"orders", "orders2", false},
		{"*", "", true},
		{"*", "anything", true},
		{"or*", "orders", true},
		{"or*", "for", false},
		{"*ders", "orders", true},
		{"o*r*s", "orders", true},
		{"o*r*s", "orderly", false},
		{"a*a", "a", false},
		{"a**a", "aa", true},
		{"*a*b*", "xxbxa", false},
		{"*a*b*", "xxaxb", true},
	} {
		if got := matchesWildcard(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q against %q: %t", tt.text, tt.pattern, got)
		}
	}
}
