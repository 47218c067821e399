package config

import (
	"slices"
	"strings"
)

// tokenSource checks where a token may stand.
func (v *checker) tokenSource(path []any, t *TokenSource) {
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
		v.add(at(path, "header"), "a token in a cookie is named by cookie")
	case header != "authorization" && (slices.Contains(ownHeaders, header) || strings.HasPrefix(header, "content-") || strings.HasPrefix(header, "x-forwarded-")):
		v.add(at(path, "header"), "%s is not for tokens", t.Header)
	case !isToken(t.Scheme):
		v.add(at(path, "scheme"), "%q is not a scheme such as Bearer, nor the word none", t.Scheme)
	}
	if t.Cookie != "" && !isToken(t.Cookie) {
		v.add(at(path, "cookie"), "%q is not the name of a cookie", t.Cookie)
	}
	if t.Query != "" {
		v.warn(at(path, "query"), "tokens in addresses end up in the logs and histories of callers and proxies")
	}
}

// callers reports APIs that nobody could call.
func (v *checker) callers(c *Config) {
	own := func(a *Application) bool {
		return slices.ContainsFunc(a.JWT, func(s Strategy) bool { return s.Issuer != "" })
	}
	for i := range c.APIs {
		id, path := c.APIs[i].Policies.Identify, []any{"apis", i, "policies", "identify"}
		if id == nil || id.None {
			continue
		}
		applications, keys := 0, 0
		for j := range c.Applications {
			a := &c.Applications[j]
			if id.Applications != "all" && !a.RegisteredFor(&c.APIs[i]) {
				continue
			}
			if applications++; own(a) {
				keys++
			}
		}
		if len(c.AuthServers) == 0 && keys == 0 {
			v.add(at(path, "auth_servers"), "jwt needs an auth server, and none is configured")
		}
		switch {
		case applications > 0 || id.Applications == "none":
		case id.Applications == "all":
			v.warn(at(path, "applications"), "no application is configured, so every token is refused")
		default:
			v.warn(at(path, "applications"), "no application is registered for this API, so every token is refused; none would let every good token pass")
		}
	}
}
