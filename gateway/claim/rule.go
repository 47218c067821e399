package claim

import (
	"fmt"
	"regexp"
	"slices"

	"postern/provisioning/config"
)

// Rule is one comparison of a claim, compiled.
type Rule struct {
	claim   Path
	matches func(v any) bool
}

// NewRule compiles a comparison. Validate has seen that exactly one is set; the
// error is of its pattern.
func NewRule(c *config.ClaimRule) (Rule, error) {
	r := Rule{claim: Parse(c.Name)}
	switch {
	case c.Equals != nil:
		r.matches = textIs(func(text string) bool { return text == *c.Equals })
	case c.Contains != nil:
		r.matches = func(v any) bool { return Contains(v, *c.Contains) }
	case c.OneOf != nil:
		r.matches = textIs(func(text string) bool { return slices.Contains(c.OneOf, text) })
	default:
		pattern, err := regexp.Compile(`\A(?:` + c.Pattern + `)\z`)
		if err != nil {
			return r, fmt.Errorf("compile pattern %q: %w", c.Pattern, err)
		}
		r.matches = textIs(pattern.MatchString)
	}
	return r, nil
}

// textIs judges a claim that has a text; others match nothing.
func textIs(matches func(string) bool) func(v any) bool {
	return func(v any) bool {
		text, ok := Text(v)
		return ok && matches(text)
	}
}

// Holds reports whether claims have what the rule asks for.
func (r *Rule) Holds(claims map[string]any) bool {
	v, ok := r.claim.Find(claims)
	return ok && r.matches(v)
}
