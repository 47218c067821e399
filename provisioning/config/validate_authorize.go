package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

func (v *checker) authorize(path []any, a *Authorize) {
	whose := a.whose()
	if a.TokenScopes == nil && len(whose) == 0 && len(a.Claims) == 0 {
		v.add(path, "empty: state token_scopes, users, groups, access_profiles or claims")
	}
	if a.Combine != "" {
		v.oneOf(at(path, "combine"), a.Combine, "or", "and")
		if len(whose) < 2 {
			v.add(at(path, "combine"), "combines users, groups and access_profiles, of which two are needed")
		}
	}
	for _, names := range []struct {
		key string
		of  *Names
	}{{"users", a.Users}, {"access_profiles", a.AccessProfiles}} {
		if names.of != nil && len(names.of.Any) == 0 {
			v.add(at(path, names.key), "empty: state any")
		}
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

// whose are the keys that ask who the caller's user is.
func (a *Authorize) whose() (keys []string) {
	if a.Users != nil {
		keys = append(keys, "users")
	}
	if a.Groups != nil {
		keys = append(keys, "groups")
	}
	if a.AccessProfiles != nil {
		keys = append(keys, "access_profiles")
	}
	return keys
}

// authorizeUsers checks the names in the authorize of every level, and those of
// the access profiles.
func (v *checker) authorizeUsers(c *Config) {
	profiles, users := map[string]int{}, c.userNames()
	for i, p := range c.AccessProfiles {
		v.unique(profiles, p.Name, []any{"access_profiles", i}, "name")
		if len(p.Groups) == 0 {
			v.add([]any{"access_profiles", i, "groups"}, "missing: the groups that have it")
		}
	}
	for l := range c.AllLevels() {
		a := l.Policies.Authorize
		if a == nil {
			continue
		}
		if a.Users != nil {
			for i, name := range a.Users.Any {
				if !slices.Contains(users, name) {
					v.warn(l.At("authorize", "users", "any", i), "no user is named %q%s", name, DidYouMean(name, users))
				}
			}
		}
		if a.AccessProfiles != nil {
			for i, name := range a.AccessProfiles.Any {
				if _, ok := profiles[name]; !ok {
					v.add(l.At("authorize", "access_profiles", "any", i), "no access profile is named %q%s", name, DidYouMean(name, slices.Sorted(maps.Keys(profiles))))
				}
			}
		}
	}
}

// userNames are all users there are, those of applications included.
func (c *Config) userNames() (names []string) {
	for i := range c.Users {
		names = append(names, c.Users[i].Name)
	}
	for i := range c.Applications {
		for _, b := range c.Applications[i].Identify.Basic {
			names = append(names, b.User)
		}
	}
	return names
}

// asks reports whether some level of an API identifies callers in such a way.
func (c *Config) asks(api int, such func(id *Identify) bool) bool {
	for l := range c.AllLevels() {
		if id := l.Policies.Identify; id != nil && such(id) && slices.Contains(c.reached(l), api) {
			return true
		}
	}
	return false
}

// tokenless warns of rules about tokens where nobody shows one.
func (v *checker) tokenless(c *Config, api int) {
	id := c.APIs[api].Policies.Identify
	if id == nil || id.None || len(id.By) == 0 || c.asks(api, (*Identify).Tokens) {
		return
	}
	for l := range c.AllLevels() {
		a := l.Policies.Authorize
		if l.Path[0] != "apis" || l.Path[1] != api {
			continue
		}
		v.claimless(l)
		if a == nil {
			continue
		}
		if a.TokenScopes != nil || len(a.Claims) > 0 || a.Groups != nil && a.Groups.Claim != "" && a.Combine != "or" {
			v.warn(l.At("authorize"), "tokens do not identify callers here, so nobody has the scopes or claims that are asked for")
		}
	}
}

// claimless warns of limits by claims where nobody shows a token.
func (v *checker) claimless(l Level) {
	for i := range l.Policies.Throttle {
		for j, by := range l.Policies.Throttle[i].By {
			if strings.HasPrefix(by, "claim:") {
				v.warn(l.At("throttle", i, "by", j), "tokens do not identify callers here, so no request has this claim; subject is the user too")
			}
		}
	}
}

// groups reports rules about users that no caller of the API could be.
func (v *checker) groups(c *Config, api int, servers knownServers) {
	a, path := &c.APIs[api], []any{"apis", api}
	knowsUser := func(id *Identify) bool {
		return id.Uses("basic") || slices.ContainsFunc(id.AuthServers, servers.knowUsers)
	}
	if id := a.Policies.Identify; id == nil || id.None || c.asks(api, knowsUser) {
		return
	}
	check := func(path []any, p Policies) {
		if p.Authorize == nil {
			return
		}
		for _, key := range p.Authorize.whose() {
			switch {
			case key != "groups":
				v.add(at(path, "policies", "authorize", key), "needs by: [basic], or subject: {user: true} of an auth server: nobody's user is known")
			case p.Authorize.Groups.Claim == "":
				v.add(at(path, "policies", "authorize", key), "state claim, or subject: {user: true} of an auth server: nobody's groups are known")
			}
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
