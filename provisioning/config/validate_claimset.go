package config

import (
	"slices"
	"strings"
)

// ambiguous reports claim sets of two applications that one token holds, where
// both applications are known to one API.
func (v *checker) ambiguous(c *Config) {
	told := map[[2]int]bool{}
	for l := range c.AllLevels() {
		id := l.Policies.Identify
		if id == nil || !id.Tokens() || id.Applications == "none" {
			continue
		}
		for _, api := range c.reached(l) {
			sets := claimSets{all: c.Applications, told: told}
			for j := range c.Applications {
				if id.Applications == "all" || c.Applications[j].RegisteredFor(&c.APIs[api]) {
					sets.add(v, j)
				}
			}
			sets.compareParts(v)
			if id.Applications == "all" {
				return // whoever is registered somewhere was among them
			}
		}
	}
}

// claimSets are the claim sets that one API knows.
type claimSets struct {
	all    []Application
	byText map[string][]claimSetAt
	list   []claimSetAt
	told   map[[2]int]bool // pairs of applications that were reported
}

// claimSetAt is a claim set with its place, its claims sorted and each once.
type claimSetAt struct {
	application, index int
	claims             []string
}

func (s claimSetAt) path() []any {
	return []any{"applications", s.application, "identify", "claims", s.index}
}

// add takes the sets of an application, and reports those that are there
// already. Who is suspended is found by nobody.
func (s *claimSets) add(v *checker, application int) {
	if s.all[application].Suspended {
		return
	}
	if s.byText == nil {
		s.byText = map[string][]claimSetAt{}
	}
	for i, set := range s.all[application].Identify.Claims {
		if len(set) == 0 || len(set) > maxClaims {
			continue
		}
		one := claimSetAt{application, i, claimTexts(set)}
		if other, ok := s.rival(one, one.claims); ok {
			v.clash(one.path(), other.path(), "application %q has the same claims, so a token would be of both", s.all[other.application].Name)
			continue
		}
		key := strings.Join(one.claims, "\x01")
		s.byText[key] = append(s.byText[key], one)
		s.list = append(s.list, one)
	}
}

// compareParts reports sets that hold all of another application's, and more:
// what finds the one finds the other too.
func (s *claimSets) compareParts(v *checker) {
	for _, one := range s.list {
		eachPart(one.claims, func(part []string) (done bool) {
			other, ok := s.rival(one, part)
			if ok {
				v.warn(one.path(), "a token with these claims is one of application %q too, so it is refused", s.all[other.application].Name)
			}
			return ok
		})
	}
}

// rival is a set with these claims of another application that shares tokens
// with the one's. A pair of applications is reported once.
func (s *claimSets) rival(one claimSetAt, claims []string) (claimSetAt, bool) {
	for _, other := range s.byText[strings.Join(claims, "\x01")] {
		pair := [2]int{other.application, one.application}
		if one.application != other.application && !s.told[pair] && shareTokens(&s.all[other.application], &s.all[one.application]) {
			s.told[pair] = true
			return other, true
		}
	}
	return claimSetAt{}, false
}

// claimTexts are the claims of a set, the same for names that lead to the same
// claim.
func claimTexts(set ClaimSet) []string {
	texts := make([]string, len(set))
	for i, c := range set {
		texts[i] = strings.Join(ClaimSteps(c.Claim), "\x00") + "\x00\x00" + c.Value
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// eachPart calls f, until it is done, with the sets that a set of few claims
// holds besides itself; of a larger one, only with those of a single claim.
func eachPart(claims []string, f func(part []string) (done bool)) {
	if len(claims) > 6 {
		for i := range claims {
			if f(claims[i : i+1]) {
				return
			}
		}
		return
	}
	for bits := 1; bits < 1<<len(claims)-1; bits++ {
		var part []string
		for i, c := range claims {
			if bits>>i&1 == 1 {
				part = append(part, c)
			}
		}
		if f(part) {
			return
		}
	}
}

// shareTokens reports whether one token may speak for both, as far as auth
// servers tell.
func shareTokens(a, b *Application) bool {
	if len(a.JWT) == 0 || len(b.JWT) == 0 {
		return takesAuthServers(a) && takesAuthServers(b)
	}
	return slices.ContainsFunc(a.JWT, func(s Strategy) bool {
		return s.AuthServer != "" && slices.ContainsFunc(b.JWT, func(t Strategy) bool { return t.AuthServer == s.AuthServer })
	})
}

// takesAuthServers reports whether tokens of some auth server may speak for a.
func takesAuthServers(a *Application) bool {
	return len(a.JWT) == 0 || slices.ContainsFunc(a.JWT, func(s Strategy) bool { return s.AuthServer != "" })
}
