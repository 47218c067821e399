package config

import (
	"regexp"
	"slices"
	"strings"
)

func (v *checker) authorize(path []any, a *Authorize) {
	if a.TokenScopes == nil && a.Groups == nil && len(a.Claims) == 0 {
		v.add(path, "empty: state token_scopes, groups or claims")
	}
	if s := a.TokenScopes; s != nil {
		if len(s.Any) == 0 && len(s.All) == 0 {
			v.add(at(path, "token_scopes"), "empty: state any or all")
		}
		if s.Claim != "" {
			v.claimName(at(path, "token_scopes", "claim"), s.Claim)
		}
		v.scopeNames(at(path, "token_scopes", "any"), s.Any)
		v.scopeNames(at(path, "token_scopes", "all"), s.All)
	}
	if g := a.Groups; g != nil {
		if len(g.Any) == 0 && len(g.All) == 0 {
			v.add(at(path, "groups"), "empty: state any or all")
		}
		if g.Claim != "" {
			v.claimName(at(path, "groups", "claim"), g.Claim)
		}
	}
	for i, rule := range a.Claims {
		v.claimRule(at(path, "claims", i), rule)
	}
}

// scopeNames reports what no token's scope could hold (RFC 6749, 3.3).
func (v *checker) scopeNames(path []any, names []string) {
	for i, name := range names {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
			v.add(at(path, i), "%q holds a character that no token scope has", name)
		}
	}
}

func (v *checker) claimRule(path []any, rule ClaimRule) {
	if rule.Name == "" {
		v.add(at(path, "name"), "missing: the name of a claim")
	} else {
		v.claimName(at(path, "name"), rule.Name)
	}
	stated := 0
	for _, set := range []bool{rule.Equals != nil, rule.Contains != nil, rule.OneOf != nil, rule.Pattern != ""} {
		if set {
			stated++
		}
	}
	if stated != 1 {
		v.add(path, "state exactly one of equals, contains, one_of, pattern")
	}
	if _, err := regexp.Compile(rule.Pattern); err != nil {
		v.add(at(path, "pattern"), "%v", err)
	}
}

// groups reports rules about groups that no caller of the API could have.
func (v *checker) groups(path []any, a *API, servers knownServers) {
	if id := a.Policies.Identify; id == nil || id.None || slices.ContainsFunc(id.AuthServers, servers.knowUsers) {
		return
	}
	check := func(path []any, p Policies) {
		if p.Authorize != nil && p.Authorize.Groups != nil && p.Authorize.Groups.Claim == "" {
			v.add(at(path, "policies", "authorize", "groups"), "state claim, or subject: {user: true} of an auth server: nobody's groups are known")
		}
	}
	check(path, a.Policies)
	for i := range a.Scopes {
		check(at(path, "scopes", i), a.Scopes[i].Policies)
	}
}

// knowUsers reports whether the subjects of an auth server must be users.
func (k knownServers) knowUsers(name string) bool {
	s := k.byName[name]
	return s == nil || s.Subject != nil && s.Subject.User
}
