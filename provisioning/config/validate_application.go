package config

import (
	"slices"
)

// maxClaims bounds a claim set; what finds an application is a few claims.
const maxClaims = 16

func (v *checker) applications(c *Config, servers knownServers) {
	names, ids := map[string]int{}, map[string]int{}
	registrations := registrations(c.APIs)
	for i := range c.Applications {
		a, path := &c.Applications[i], []any{"applications", i}
		v.unique(names, a.Name, path, "name")
		if a.Name != "" {
			v.unique(ids, a.ID, path, "id")
		}
		for _, text := range []struct{ key, value string }{{"name", a.Name}, {"id", a.ID}} {
			if !isPrintable(text.value) {
				v.add(at(path, text.key), "%q is not printable text", text.value)
			}
		}
		for j, api := range a.APIs {
			if !slices.Contains(registrations, api) {
				v.add(at(path, "apis", j), "no API is named %q%s", api, DidYouMean(api, registrations))
			}
		}
		v.applicationOrigins(at(path, "origins"), a.Origins)
		for j, set := range a.Identify.Claims {
			v.claimSet(at(path, "identify", "claims", j), set)
		}
		for j, s := range a.JWT {
			v.strategy(at(path, "jwt", j), s, servers)
		}
		if a.Identify.empty() && !slices.ContainsFunc(a.JWT, func(s Strategy) bool { return s.Issuer != "" }) {
			v.warn(path, "nothing finds it: state identify, or a strategy with a key of its own")
		}
	}
	v.identifiers(c.Applications)
	v.ambiguous(c)
	v.overlapping(c)
	v.unproven(c)
}

// registrations are the texts by which an application can be registered.
func registrations(apis []API) []string {
	var names []string
	for i := range apis {
		names = append(names, apis[i].Name)
		if full := apis[i].FullName(); full != apis[i].Name {
			names = append(names, full)
		}
	}
	return names
}

func (v *checker) claimSet(path []any, set ClaimSet) {
	if len(set) == 0 {
		v.add(path, "empty: every token would hold it")
	}
	if len(set) > maxClaims {
		v.add(path, "more than %d claims", maxClaims)
	}
	for _, c := range set {
		v.claimName(at(path, c.Claim), c.Claim)
	}
}

func (v *checker) strategy(path []any, s Strategy, servers knownServers) {
	switch {
	case s.AuthServer == "" && s.Issuer == "":
		v.add(path, "state the auth_server whose tokens may speak for it, or the issuer and the shared_key of its own")
	case s.AuthServer != "" && s.Issuer != "":
		v.clash(at(path, "issuer"), at(path, "auth_server"), "auth_server says the issuer already")
	case s.AuthServer != "":
		if servers.byName[s.AuthServer] == nil {
			v.add(at(path, "auth_server"), "no auth server is named %q%s", s.AuthServer, DidYouMean(s.AuthServer, servers.names))
		}
		for _, stated := range append(s.sources(), source{"kid", s.Kid != ""}, source{"algorithms", s.Algorithms != nil}) {
			if stated.stated {
				v.add(at(path, stated.key), "belongs to a strategy with an issuer; the keys of %q are its own", s.AuthServer)
			}
		}
	default:
		v.ownKey(path, s, servers)
	}
}

// ownKey checks a strategy whose tokens a key of the application verifies.
func (v *checker) ownKey(path []any, s Strategy, servers knownServers) {
	for i, name := range servers.names {
		if servers.byName[name].Issuer.Value == s.Issuer {
			v.clash(at(path, "issuer"), []any{"auth_servers", i, "issuer"}, "is that of auth server %q, whose keys verify its tokens", name)
		}
	}
	key, ok := v.keySource(path, s.sources())
	switch {
	case !ok:
	case key != "shared_key":
		for i, alg := range s.Algorithms {
			v.algorithm(at(path, "algorithms", i), alg)
		}
	case s.Algorithms == nil:
		v.sharedKey(path, s.SharedKey, []string{"HS256"})
	default:
		v.sharedKey(path, s.SharedKey, s.Algorithms)
	}
}

func (s *Strategy) sources() []source {
	return []source{
		{"shared_key", !s.SharedKey.IsZero()},
		{"certificate", !s.Certificate.IsZero()},
		{"public_key", !s.PublicKey.IsZero()},
		{"jwks", !s.JWKS.IsZero()},
	}
}
