package config

import (
	"slices"
	"strings"
)

// tokenSource checks where what callers present may stand.
func (v *checker) tokenSource(path []any, t *TokenSource, what string) {
	if t.Header == "" && t.Cookie == "" && t.Query == "" {
		v.add(path, "empty: state header, cookie or query")
	}
	header := strings.ReplaceAll(strings.ToLower(t.Header), "_", "-")
	switch {
	case t.Header == "" && t.Scheme != "":
		v.add(at(path, "scheme"), "needs header, of whose value it is the beginning")
	case t.Header == "":
	case !isToken(t.Header):
		v.add(at(path, "header"), "%q is not a header name", t.Header)
	case header == "cookie":
		v.add(at(path, "header"), "%s in a cookie is named by cookie", what)
	case header != "authorization" && (slices.Contains(ownHeaders, header) || strings.HasPrefix(header, "content-") || strings.HasPrefix(header, "x-forwarded-")):
		v.add(at(path, "header"), "%s is not for %s", t.Header, what)
	case !isToken(t.Scheme):
		v.add(at(path, "scheme"), "%q is not a scheme such as Bearer, nor the word none", t.Scheme)
	}
	if t.Cookie != "" && !isToken(t.Cookie) {
		v.add(at(path, "cookie"), "%q is not the name of a cookie", t.Cookie)
	}
	if t.Query != "" {
		v.warn(at(path, "query"), "%s in an address ends up in the logs and histories of callers and proxies", what)
	}
}

// callers reports levels that nobody could pass.
func (v *checker) callers(c *Config) {
	for l := range c.AllLevels() {
		if id := l.Policies.Identify; id != nil && !id.None {
			for _, api := range c.reached(l) {
				v.callersOf(c, l, &c.APIs[api])
			}
			v.idleWays(c, l)
		}
	}
}

func (v *checker) callersOf(c *Config, l Level, api *API) {
	own := func(a *Application) bool {
		return slices.ContainsFunc(a.JWT, func(s Strategy) bool { return s.Issuer != "" })
	}
	id, applications, keys := l.Policies.Identify, 0, 0
	for j := range c.Applications {
		a := &c.Applications[j]
		if id.Applications != "all" && !a.RegisteredFor(api) {
			continue
		}
		if applications++; own(a) {
			keys++
		}
	}
	if id.Tokens() && len(c.AuthServers) == 0 && keys == 0 {
		v.add(l.At("identify", "auth_servers"), "jwt needs an auth server, and none is configured")
	}
	switch path := l.At("identify", "applications"); {
	case applications > 0 || id.Applications == "none":
	case id.Applications == "all":
		v.warn(path, "no application is configured, so every caller is refused")
	default:
		v.warn(path, "no application is registered for %s, so every caller is refused%s", api.FullName(), id.whatNoneDoes())
	}
}

// whatNoneDoes says how applications: none would help, if it is possible.
func (id *Identify) whatNoneDoes() string {
	if id.only(named) {
		return ""
	}
	return "; none would let every good credential pass"
}

// idleWays reports ways of a level that find no application, because none of
// those that may call says how.
func (v *checker) idleWays(c *Config, l Level) {
	id, may := l.Policies.Identify, c.mayCall(l)
	if id.Applications == "none" || len(may) == 0 {
		return
	}
	for i, way := range id.By {
		if !slices.Contains(ways, way) || slices.ContainsFunc(may, func(a *Application) bool { return a.foundBy(way) }) {
			continue
		}
		outcome := "so it finds nobody"
		if id.Combine == "and" {
			outcome = "so every caller is refused"
		}
		v.warn(l.At("identify", "by", i), "no application that may call here is known by %s, %s", way, outcome)
	}
}

// mayCall are the applications that may call some API of a level.
func (c *Config) mayCall(l Level) (may []*Application) {
	apis := c.reached(l)
	for i := range c.Applications {
		a := &c.Applications[i]
		if l.Policies.Identify.Applications == "all" || slices.ContainsFunc(apis, func(j int) bool { return a.RegisteredFor(&c.APIs[j]) }) {
			may = append(may, a)
		}
	}
	return may
}

// foundBy reports whether an application says how it is known in this way.
func (a *Application) foundBy(way string) bool {
	n := 0
	switch id := &a.Identify; way {
	case "api_key":
		n = len(id.APIKeys)
	case "basic":
		n = len(id.Basic)
	case "certificate":
		n = len(id.Certificates)
	case "ip":
		n = len(id.IP)
	case "hostname":
		n = len(id.Hostname)
	case "payload":
		n = len(id.Payload)
	default:
		n = len(id.Claims) + len(a.JWT)
	}
	return n > 0
}
