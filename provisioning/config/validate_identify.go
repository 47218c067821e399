package config

import (
	"slices"
	"strings"
)

// knownServers are the auth servers by name, and their names in order.
type knownServers struct {
	byName map[string]*AuthServer
	names  []string
}

func known(servers []AuthServer) knownServers {
	k := knownServers{byName: map[string]*AuthServer{}, names: make([]string, len(servers))}
	for i := range servers {
		k.byName[servers[i].Name], k.names[i] = &servers[i], servers[i].Name
	}
	return k
}

// identify checks who may call. At every level that says so, callers must pass.
func (v *checker) identify(c *Config, l Level, servers knownServers) {
	id, path := l.Policies.Identify, l.At("identify")
	switch own := len(l.Path) == 3 && l.Path[0] == "apis"; {
	case id == nil && own:
		v.add(path, `missing: say who may call, or the word "none"`)
		return
	case id == nil, id.None && own:
		return
	case id.None:
		v.add(path, "none takes nothing away here: what other levels ask of callers stays; leave it out")
		return
	}
	v.by(path, id)
	v.oneOf(at(path, "combine"), id.Combine, "or", "and")
	v.oneOf(at(path, "applications"), id.Applications, "registered", "all", "none")
	if id.Applications == "none" && len(id.By) > 0 && id.only(named) {
		v.add(at(path, "applications"), "none is not possible: in these ways callers are known by their application only")
	}
	if id.Tokens() {
		v.byToken(c, l, servers)
	} else if len(id.By) > 0 {
		v.notByToken(path, id)
	}
	switch {
	case id.Uses("api_key"):
		v.tokenSource(at(path, "api_key"), id.APIKey, "an API key")
		v.samePlace(at(path, "api_key"), id)
	case id.APIKey != nil:
		v.add(at(path, "api_key"), "unused: by does not hold api_key")
	}
	v.certified(path, c, id)
	v.upstreamHeaders(path, id)
}

// by checks the ways themselves.
func (v *checker) by(path []any, id *Identify) {
	if len(id.By) == 0 {
		v.add(at(path, "by"), "missing: say which of %s identify callers", list(ways))
	}
	for i, by := range id.By {
		switch {
		case slices.Contains(id.By[:i], by):
			v.add(at(path, "by", i), "%q stands twice", by)
		default:
			v.oneOf(at(path, "by", i), by, ways...)
		}
		if slices.Contains(unproven, by) && (id.Combine != "and" || id.only(unproven)) {
			v.warn(at(path, "by", i), "this is no authentication: %s alone is enough here, and others can have it too", by)
		}
	}
}

// certified checks that callers can show certificates where they must.
func (v *checker) certified(path []any, c *Config, id *Identify) {
	if i := slices.Index(id.By, "certificate"); i >= 0 && (c.TLS == nil || c.TLS.ClientCA.IsZero()) && c.ClientCertificateHeader == "" {
		v.add(at(path, "by", i), "nobody can show a certificate: state tls.client_ca, or client_certificate_header")
	}
}

// samePlace reports an API key that stands where the token does.
func (v *checker) samePlace(path []any, id *Identify) {
	if !id.Tokens() || id.Token == nil {
		return
	}
	t, k := id.Token, id.APIKey
	if k.Header != "" && sameField(k.Header, t.Header) && strings.EqualFold(k.Scheme, t.Scheme) {
		v.clash(at(path, "header"), at(path[:len(path)-1], "token", "header"), "is where the token stands, too")
	}
	if k.Cookie != "" && k.Cookie == t.Cookie {
		v.clash(at(path, "cookie"), at(path[:len(path)-1], "token", "cookie"), "is where the token stands, too")
	}
	if k.Query != "" && k.Query == t.Query {
		v.clash(at(path, "query"), at(path[:len(path)-1], "token", "query"), "is where the token stands, too")
	}
}

// sameField reports whether some servers read both names as one.
func sameField(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, "_", "-"), strings.ReplaceAll(b, "_", "-"))
}

// byToken checks what is said about tokens.
func (v *checker) byToken(c *Config, l Level, servers knownServers) {
	id, path := l.Policies.Identify, l.At("identify")
	hosts := c.hosts(l)
	v.tokenSource(at(path, "token"), id.Token, "a token")
	for i, word := range id.AudienceAlso {
		v.oneOf(at(path, "audience_also", i), word, "api_uri", "application_id")
		if word == "api_uri" && !hosts {
			v.add(at(path, "audience_also", i), "api_uri needs hosts: without them a caller says which host was meant")
		}
	}
	for i, way := range id.SenderConstrained {
		v.oneOf(at(path, "sender_constrained", i), way, "dpop", "mtls")
		if way == "dpop" && !hosts {
			v.warn(at(path, "sender_constrained", i), "without hosts a caller says for which host its proof was meant, so one made for another server passes too")
		}
	}
	if v.believed(at(path, "auth_servers"), id.AuthServers, servers) {
		v.sources(at(path, "auth_servers"), id, servers)
	}
}

// notByToken reports what is said about tokens where none is asked for.
func (v *checker) notByToken(path []any, id *Identify) {
	for _, stated := range []source{
		{"token", id.Token != nil},
		{"auth_servers", len(id.AuthServers) > 0},
		{"audience_also", len(id.AudienceAlso) > 0},
		{"sender_constrained", len(id.SenderConstrained) > 0},
	} {
		if stated.stated {
			v.add(at(path, stated.key), "unused: by holds neither jwt nor opaque")
		}
	}
}

// reached are the APIs whose requests can meet a level.
func (c *Config) reached(l Level) (apis []int) {
	if l.Path[0] == "apis" {
		return []int{l.Path[1].(int)}
	}
	for i := range c.APIs {
		if c.Policies[l.Path[1].(int)].When.Fits(&c.APIs[i]) {
			apis = append(apis, i)
		}
	}
	return apis
}

// hosts reports whether all APIs of a level state theirs.
func (c *Config) hosts(l Level) bool {
	return !slices.ContainsFunc(c.reached(l), func(i int) bool { return len(c.APIs[i].Hosts) == 0 })
}

// sources checks that the auth servers of an API can do what it identifies by.
func (v *checker) sources(path []any, id *Identify, servers knownServers) {
	var asked []string
	jwt, opaque := slices.Contains(id.By, "jwt"), slices.Contains(id.By, "opaque")
	for i, name := range id.AuthServers {
		server := servers.byName[name]
		if server.Remote != nil {
			asked = append(asked, name)
		}
		switch {
		case server.Local == nil && jwt && !opaque:
			v.add(at(path, i), "%q has no local_introspection, so none of its tokens is a jwt that could be verified here", name)
		case server.Remote == nil && opaque && !jwt:
			v.add(at(path, i), "%q has no remote_introspection, so it cannot be asked about opaque tokens", name)
		}
	}
	switch {
	case !opaque || len(id.AuthServers) == 0:
	case len(asked) == 0:
		v.add(path, "opaque needs an auth server with remote_introspection")
	case len(asked) > 1:
		v.add(path, "%s and %s both have remote_introspection, so an opaque token could go to either", asked[0], asked[1])
	}
}

// believed checks the auth servers whose tokens an API accepts, and reports
// whether all of them are there.
func (v *checker) believed(path []any, names []string, servers knownServers) (found bool) {
	if len(names) == 0 {
		if len(servers.names) == 0 {
			return false // callers reports it, unless applications have keys of their own
		}
		v.add(path, "missing: there are several auth servers (%s)", strings.Join(servers.names, ", "))
		return false
	}
	found = true
	for i, name := range names {
		server := servers.byName[name]
		switch {
		case server == nil:
			found = false
			v.add(at(path, i), "no auth server is named %q%s", name, DidYouMean(name, servers.names))
		case slices.Contains(names[:i], name):
			v.add(at(path, i), "%q stands twice", name)
		case server.Issuer.Unchecked && len(names) > 1:
			v.add(at(path, i), "%q has issuer: unchecked, so it must be the only one here", name)
		}
	}
	return found
}
