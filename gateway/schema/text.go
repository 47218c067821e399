package schema

import (
	"encoding/json"
	"unicode/utf8"
)

// textRules are the keywords for strings, and format, which is for numbers too.
type textRules struct {
	least, most int // characters; most is -1 without a bound
	pattern     *pattern
	format      string // "": none that is known
}

// byKind judges v by the keywords for its kind.
func (c *Check) byKind(s *Schema, v any, found *evaluated) bool {
	switch v := v.(type) {
	case string:
		return c.text(s, v)
	case json.Number:
		return c.numeric(s, v) && c.numberFormat(s.text.format, v)
	case []any:
		return c.items(s, v, found)
	case map[string]any:
		return c.members(s, v, found)
	}
	return true
}

func (c *Check) text(s *Schema, v string) bool {
	r := &s.text
	if r.least > 0 || r.most >= 0 {
		n := utf8.RuneCountInString(v)
		if !c.spend(n/256) || !c.size(n, r.least, r.most, " characters") {
			return false
		}
	}
	ok := true
	if r.pattern != nil && !c.matches(r.pattern, v) {
		ok = c.fault("must match " + r.pattern.text)
	}
	if r.format != "" && !(c.spend(1+len(v)/64) && hasFormat(r.format, v)) {
		ok = c.fault("must be a " + r.format)
	}
	return ok
}
