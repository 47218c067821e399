package config

import (
	"slices"
	"strings"
	"unicode"
)

// maxListed is how many names a message lists.
const maxListed = 10

// maxPassword bounds what a caller may show, and so what is worth keeping.
const maxPassword = 512

func (v *checker) passwords(c *Config) {
	known := map[string]*User{}
	for i := range c.Users {
		u, path := &c.Users[i], []any{"users", i}
		if !u.Password.IsZero() {
			v.userName(at(path, "name"), u.Name)
			v.password(at(path, "password"), u.Password)
		}
		if u.Name != "" {
			known[u.Name] = u
		}
	}
	own := map[string][]any{} // users that have their password in an application
	for i := range c.Applications {
		for j, b := range c.Applications[i].Identify.Basic {
			v.basicUser([]any{"applications", i, "identify", "basic", j}, b, known, own)
		}
	}
	v.basicSources(c, len(own) > 0)
}

// basicUser checks a user that finds an application.
func (v *checker) basicUser(path []any, b BasicUser, known map[string]*User, own map[string][]any) {
	if b.User == "" {
		v.add(at(path, "user"), "missing")
		return
	}
	v.userName(at(path, "user"), b.User)
	user := known[b.User]
	switch {
	case b.Password.IsZero() && user == nil:
		v.add(at(path, "password"), "missing: no entry of users is named %q%s", b.User, DidYouMean(b.User, userNames(known)))
		return
	case b.Password.IsZero() && user.Password.IsZero():
		v.add(at(path, "password"), "missing: %q of users has none", b.User)
		return
	case b.Password.IsZero():
		return
	case user != nil && !user.Password.IsZero():
		v.add(at(path, "password"), "%q of users has a password already", b.User)
	case own[b.User] != nil:
		v.clash(path, own[b.User], "user %q has another password there", b.User)
	}
	own[b.User] = path
	v.password(at(path, "password"), b.Password)
}

func userNames(known map[string]*User) []string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// userName checks that basic authentication can carry a name (RFC 7617 2).
func (v *checker) userName(path []any, name string) {
	if len(name) > maxPassword || strings.Contains(name, ":") || !plainText(name) {
		v.add(path, "%q holds a colon or a control character, or is too long, so basic authentication cannot carry it", name)
	}
}

// plainText reports whether text can be part of basic credentials.
func plainText(text string) bool {
	return strings.ToValidUTF8(text, "") == text && !strings.ContainsFunc(text, unicode.IsControl)
}

// password checks a password; no fault repeats it.
func (v *checker) password(path []any, p Secret) {
	text := p.Reveal()
	if IsPasswordHash(text) {
		if _, err := ParsePasswordHash(text); err != nil {
			v.add(path, "%v", err)
		}
		return
	}
	if len(text) > maxPassword || !plainText(text) {
		v.add(path, "holds a control character, or is longer than %d bytes, so basic authentication cannot carry it", maxPassword)
	}
}

// basicSources reports levels that take passwords where nobody has one, and
// users who would be two applications there.
func (v *checker) basicSources(c *Config, own bool) {
	some, told := own || slices.ContainsFunc(c.Users, func(u User) bool { return !u.Password.IsZero() }), map[string]bool{}
	used := false
	for l := range c.AllLevels() {
		id := l.Policies.Identify
		if id == nil || !id.Uses("basic") {
			continue
		}
		used = true
		if !some {
			v.add(l.At("identify", "by", slices.Index(id.By, "basic")), "basic needs somebody with a password: state one in users, or in identify.basic of an application")
		}
		if id.Combine == "and" && len(id.By) > 1 {
			continue // what else is found may tell them apart
		}
		for _, api := range c.reached(l) {
			v.sameUser(c, id, api, told)
		}
	}
	if used {
		v.unverifiable(c)
	}
}

// sameUser reports users that are of two applications which an API knows.
func (v *checker) sameUser(c *Config, id *Identify, api int, told map[string]bool) {
	if id.Applications == "none" {
		return // a user is enough
	}
	first, of := map[string][]any{}, map[string]int{}
	for i := range c.Applications {
		a := &c.Applications[i]
		if a.Suspended || id.Applications != "all" && !a.RegisteredFor(&c.APIs[api]) {
			continue
		}
		for j, b := range a.Identify.Basic {
			path := []any{"applications", i, "identify", "basic", j, "user"}
			if at := first[b.User]; at != nil && of[b.User] != i && !told[PathString(path)] {
				told[PathString(path)] = true
				v.clash(path, at, "%q is a user of application %q too, and %s would not know which one calls", b.User, c.Applications[of[b.User]].Name, c.APIs[api].FullName())
				continue
			}
			if first[b.User] == nil {
				first[b.User], of[b.User] = path, i
			}
		}
	}
}

// unverifiable warns of imported users who cannot show their password here.
func (v *checker) unverifiable(c *Config) {
	if c.APIGateway == nil {
		return
	}
	var names []string
	for _, imported := range c.APIGateway.Dir.Users {
		at := slices.IndexFunc(c.Users, func(u User) bool { return u.Name == imported.Name })
		if at >= 0 && c.Users[at].Password.IsZero() {
			names = append(names, imported.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	rest := ""
	if len(names) > maxListed {
		names, rest = names[:maxListed], ", …"
	}
	v.warn([]any{"api_gateway", "dir"}, "its users.cnf keeps passwords in a way that is not known here: state them under users, beside the name, for %s%s", strings.Join(names, ", "), rest)
}
