package archive

import "fmt"

// authServerEntries are the issuers of tokens.
func (c *converter) authServerEntries() (list []any) {
	for id, a := range c.aliases.all {
		if a.Type != "authServerAlias" {
			continue
		}
		at := named(c.aliases.from[id], "auth server "+a.Name)
		var entry, local mapping
		entry.set("name", a.Name)
		if entry.set("issuer", a.Local.Issuer); a.Local.Issuer == "" {
			c.tell(at, "it has no issuer: state issuer, byte for byte as tokens have it in iss")
		}
		if local.set("jwks_uri", a.Local.JWKSURI); a.Local.JWKSURI == "" {
			c.tell(at, "it has no jwksuri: state local_introspection.jwks_uri, jwks or certificate")
		}
		if a.Local.OwnSkew {
			local.set("clock_skew", fmt.Sprintf("%ds", a.Local.SkewSeconds))
		}
		entry.set("local_introspection", local)
		entry.set("audience", c.audience(at, a))
		list = append(list, commented{c.aliases.from[id], entry})
	}
	return list
}

// audience is what tokens of an auth server are for: what the generator writes, and
// what strategies and scopes ask for.
func (c *converter) audience(at string, a *alias) any {
	var all []string
	add := func(text string) {
		if text != "" && !contains(all, text) {
			all = append(all, text)
		}
	}
	add(a.Generator.Audience)
	for _, s := range c.strategies.all {
		if s.AuthServer == a.Name {
			add(s.Audience)
		}
	}
	if len(all) == 0 {
		return mapping{{key: "any", value: []string{a.Name}}}
	}
	// The product looks at aud only where a token has one.
	c.tell(at, "tokens without an audience are believed, as there: say audience.required: true unless some have none")
	return mapping{{key: "any", value: all}, {key: "required", value: false}}
}
