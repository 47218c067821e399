package authorize

import (
	"slices"
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// grant asks for scopes, groups or the like: all of some, and one of others.
type grant struct {
	all, any []string
	has      func(c *exchange.Caller, word string) bool
}

// newScopes asks for token scopes.
func newScopes(cfg *config.TokenScopes) grant {
	if cfg == nil {
		return grant{}
	}
	has := func(c *exchange.Caller, word string) bool { return slices.Contains(c.Scopes, word) }
	if cfg.Claim != "" {
		path := claim.Parse(cfg.Claim)
		has = func(c *exchange.Caller, word string) bool {
			v, ok := path.Find(c.Claims)
			return ok && grants(v, word)
		}
	}
	return grant{cfg.All, cfg.Any, has}
}

// grants reports whether a claim that is a list, or a text separated by spaces,
// holds a scope (RFC 6749 3.3).
func grants(v any, scope string) bool {
	text, ok := v.(string)
	if !ok {
		return claim.Contains(v, scope)
	}
	for one := range strings.SplitSeq(text, " ") { // no scope is empty
		if one == scope {
			return true
		}
	}
	return false
}

// to reports whether a caller has all of what is asked for.
func (g *grant) to(c *exchange.Caller) bool {
	for _, word := range g.all {
		if !g.has(c, word) {
			return false
		}
	}
	for _, word := range g.any {
		if g.has(c, word) {
			return true
		}
	}
	return len(g.any) == 0
}
