package archive

import (
	"encoding/json"
	"slices"
	"strings"
)

// applicationEntries are the callers that have a name.
func (c *converter) applicationEntries() (list []any) {
	for id, a := range c.applications.all {
		at := named(c.applications.from[id], "application "+a.Name)
		var entry mapping
		entry.set("name", a.Name)
		entry.set("id", a.ID)
		entry.set("apis", c.registeredAt(id))
		entry.set("suspended", a.Suspended)
		entry.set("origins", a.Origins)
		strategies := c.strategyEntries(at, a)
		if len(a.Strategies) > 0 && strategies == nil {
			a = c.tokenless(at, a)
		}
		entry.set("identify", c.identifiers(at, a))
		entry.set("jwt", strategies)
		list = append(list, commented{c.applications.from[id], entry})
	}
	return list
}

// tokenless is an application none of whose strategies is known: tokens do not find
// it, or those of every auth server would speak for it.
func (c *converter) tokenless(at string, a *application) *application {
	bare := *a
	bare.Strategies = nil
	bare.Identifiers = slices.DeleteFunc(slices.Clone(a.Identifiers), func(i identifier) bool {
		return i.Key == "jwtClaims" || i.Key == "openIdClaims"
	})
	c.tell(at, "no strategy of it could be taken over, so no token speaks for it: state jwt, and identify.claims")
	return &bare
}

// registeredAt are the APIs that an application may call.
func (c *converter) registeredAt(application string) (names []string) {
	for _, r := range c.registrations.all {
		if r.Application != application {
			continue
		}
		for _, id := range r.APIs {
			if a := c.apis.get(id); a != nil && !slices.Contains(names, a.fullName()) {
				names = append(names, a.fullName())
			}
		}
	}
	return names
}

// identifiers are what an application is found by.
func (c *converter) identifiers(at string, a *application) mapping {
	var keys, users, addresses, hosts []string
	var claims, listedKeys []any
	if key := a.Tokens.APIKey.Key; masked(key) {
		c.tell(at, "its API key is hidden in the export: state identify.api_keys, if callers use one")
	} else if key != "" {
		keys = append(keys, key)
	}
	for i := range a.Identifiers {
		identifier := &a.Identifiers[i]
		values := identifier.values()
		switch identifier.Key {
		case "jwtClaims", "openIdClaims":
			claims = append(claims, c.claimSets(at, identifier)...)
		case "httpBasicAuth":
			users = append(users, values...)
		case "ipAddressRange":
			addresses = append(addresses, values...)
		case "hostNameAddress":
			hosts = append(hosts, values...)
		case "apiKey":
			keys = append(keys, values...)
		default:
			c.tell(at, "identifier %s is not taken over: nobody is found by it", identifier.Key)
		}
	}
	for _, id := range a.Strategies {
		if s := c.strategies.get(id); s != nil && s.Client != "" && !masked(s.Client) { // its tokens name the client in one of these
			claims = append(claims, mapping{{key: "azp", value: s.Client}}, mapping{{key: "client_id", value: s.Client}})
		}
	}
	for _, key := range keys {
		if isSHA256(key) {
			listedKeys = append(listedKeys, mapping{{key: "sha256", value: strings.ToLower(key)}})
			continue
		}
		c.tell(at, "its API key is not kept as SHA-256 in the export: state identify.api_keys")
	}
	var m mapping
	m.set("claims", claims)
	m.set("api_keys", listedKeys)
	m.set("basic", users)
	m.set("ip", addresses)
	m.set("hostname", hosts)
	return m
}

// claimSets are those of one identifier: each value is an object of claims, all of
// which a token must have. A claim that stands by itself is one, too.
func (c *converter) claimSets(at string, identifier *identifier) (sets []any) {
	for _, value := range identifier.values() {
		var object map[string]any
		if json.Unmarshal([]byte(value), &object) != nil || len(object) == 0 {
			if identifier.Key == "openIdClaims" && len(identifier.Named) == 1 {
				sets = append(sets, mapping{{key: identifier.Named[0].Name, value: value}})
				continue
			}
			c.tell(at, "a claim set is no JSON object of claims: nobody is found by it")
			continue
		}
		var set mapping
		for _, name := range sortedKeys(object) {
			set.set(name, asText(object[name]))
		}
		sets = append(sets, set)
	}
	return sets
}

// strategyEntries are whose tokens speak for an application.
func (c *converter) strategyEntries(at string, a *application) (list []any) {
	for _, id := range a.Strategies {
		s := c.strategies.get(id)
		switch {
		case s == nil:
			c.tell(at, "strategy %s is not in the export: state it in jwt", id)
		case strings.HasSuffix(s.Type, "_HSA"):
			c.tell(at, "strategy %s has a shared secret, which is not in the export: state jwt with shared_key", s.Name)
		default:
			var entry mapping
			entry.set("auth_server", s.AuthServer)
			entry.set("audience", s.Audience)
			list = append(list, entry)
			if !c.knowsAuthServer(s.AuthServer) {
				c.tell(at, "auth server %q is not in the export: add it to auth_servers with its issuer and its keys", s.AuthServer)
			}
		}
	}
	return list
}

func (c *converter) knowsAuthServer(name string) bool {
	for _, a := range c.aliases.all {
		if a.Type == "authServerAlias" && a.Name == name {
			return true
		}
	}
	return false
}

func isSHA256(text string) bool {
	return len(text) == 64 && strings.Trim(strings.ToLower(text), "0123456789abcdef") == ""
}
