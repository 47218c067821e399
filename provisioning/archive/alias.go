package archive

import (
	"encoding/base64"
	"strings"
)

// aliasEntries are those that stand for a text, an address or a password; others are
// told of where they are used.
func (c *converter) aliasEntries() (m mapping) {
	for id, a := range c.aliases.all {
		at := named(c.aliases.from[id], "alias "+a.Name)
		entry := mapping{{key: "type", value: a.Type}}
		switch {
		case a.Type == "simple":
			if masked(a.Value) {
				c.tell(at, "its value is hidden in the export: state aliases.%s.value", a.Name)
			}
			entry.set("value", a.Value)
		case a.Type == "endpoint":
			entry.set("endPointURI", a.URI)
			entry.count("connectionTimeout", a.Connect)
			entry.count("readTimeout", a.Read)
		case a.isPassword():
			entry.set("httpAuthCredentials", c.credentials(at, a))
		case a.Type == "authServerAlias":
			continue
		default:
			c.tell(at, "aliases of type %s are not taken over", a.Type)
			continue
		}
		if m.has(a.Name) { // they differ by their stage
			c.tell(at, "another one of its name stands: of several stages, export one")
			continue
		}
		m.set(a.Name, entry)
	}
	return m
}

// text is what stands where an alias is named in an address.
func (a *alias) text() string {
	if a.Type == "endpoint" {
		return a.URI
	}
	return a.Value
}

// isPassword reports whether an alias is a user with its password.
func (a *alias) isPassword() bool {
	return a.Type == "httpTransportSecurityAlias" && (a.Auth == "" || a.Auth == "HTTP_BASIC")
}

func (c *converter) credentials(at string, a *alias) (m mapping) {
	m.set("userName", a.Basic.User)
	if a.Basic.Password == "" || masked(a.Basic.Password) {
		c.tell(at, "its password is hidden in the export: state aliases.%s.httpAuthCredentials.password", a.Name)
		return m
	}
	m.set("password", unwrapped(a.Basic.Password))
	return m
}

// unwrapped is a text that may stand there in base64.
func unwrapped(text string) string {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || strings.ContainsFunc(string(plain), func(r rune) bool { return r < ' ' || r > '~' }) {
		return text
	}
	return string(plain)
}

// count is a number that may be a text, unless there is none.
func (m *mapping) count(key string, value any) {
	if n, ok := number(asText(value)); ok && n > 0 {
		m.set(key, n)
	}
}
