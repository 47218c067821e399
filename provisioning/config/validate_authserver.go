package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (v *checker) authServers(servers []AuthServer) {
	names, issuers := map[string]int{}, map[string]int{}
	for i, s := range servers {
		path := []any{"auth_servers", i}
		v.unique(names, s.Name, path, "name")
		v.authServer(path, s)
		if s.Issuer.Value == "" {
			continue
		}
		if first, again := issuers[s.Issuer.Value]; again {
			v.clash(at(path, "issuer"), []any{"auth_servers", first, "issuer"},
				"auth server %q has the same issuer, so a token would belong to two", servers[first].Name)
			continue
		}
		issuers[s.Issuer.Value] = i
	}
}

// unique reports a name that is missing or stands twice; seen belongs to one list.
func (v *checker) unique(seen map[string]int, name string, item []any, key string) {
	i := item[len(item)-1].(int)
	if name == "" {
		v.add(at(item, key), "missing")
		return
	}
	if first, again := seen[name]; again {
		list := item[:len(item)-1]
		v.clash(at(item, key), at(list, first, key), "%q stands twice", name)
		return
	}
	seen[name] = i
}

func (v *checker) authServer(path []any, s AuthServer) {
	if s.Local == nil && s.Remote == nil {
		v.add(at(path, "local_introspection"), "missing: say where the keys come from, or whom to ask in remote_introspection")
	}
	if s.Local != nil {
		v.localIntrospection(at(path, "local_introspection"), s)
	}
	if s.Remote != nil {
		v.remoteIntrospection(at(path, "remote_introspection"), s.Remote)
	}
	if s.Issuer == (Issuer{}) && (s.Local != nil || s.Remote == nil) {
		v.add(at(path, "issuer"), `missing: the iss that its tokens carry, or the word "unchecked"`)
	}
	if a := s.Audience; a == nil {
		v.add(at(path, "audience"), `missing: say {any: [...]}, or the word "unchecked"`)
	} else if !a.Unchecked && len(a.Any) == 0 {
		v.add(at(path, "audience", "any"), "missing: the audiences of which a token must hold one")
	}
	if s.Subject != nil {
		v.subject(at(path, "subject"), s.Subject)
	}
}

func (v *checker) localIntrospection(path []any, s AuthServer) {
	l := s.Local
	v.keySource(path, l.sources())
	switch {
	case l.JWKSURI != "":
		v.secureURL(at(path, "jwks_uri"), l.JWKSURI, l.AllowHTTP)
	case l.Discovery && s.Issuer.Value == "":
		v.add(at(path, "discovery"), "needs an issuer, from whose address the document is read")
	case l.Discovery:
		v.secureURL(append(slices.Clone(path[:2]), "issuer"), s.Issuer.Value, l.AllowHTTP)
	}
	if l.Truststore != nil && l.Truststore.File.IsZero() {
		v.add(at(path, "truststore", "file"), "missing: a PKCS #12 or JKS file")
	}
	if l.SharedKey != nil {
		v.sharedKey(path, *l.SharedKey, l.Algorithms)
	} else {
		for i, alg := range l.Algorithms {
			v.algorithm(at(path, "algorithms", i), alg)
		}
	}
	for i, typ := range l.Types {
		if !isToken(strings.ReplaceAll(typ, "/", "")) {
			v.add(at(path, "types", i), "%q is not a media type", typ)
		}
	}
	v.profile(path, s)
	for i, claim := range l.RequiredClaims {
		if slices.Contains(l.RequiredClaims[:i], claim) {
			v.add(at(path, "required_claims", i), "%q stands twice", claim)
		}
	}
	v.atLeast(at(path, "refresh"), l.Refresh, time.Second)
	v.atLeast(at(path, "unknown_kid_interval"), l.UnknownKidInterval, time.Second)
	if l.MaxStale < l.Refresh {
		v.warn(at(path, "max_stale"), "ends before the next refresh, so keys will be unusable in between")
	}
}

// keySource reports whether there is exactly one, and which, of the sources that
// the mapping at path may state.
func (v *checker) keySource(path []any, sources []source) (key string, ok bool) {
	var known, stated []string
	for _, s := range sources {
		if known = append(known, s.key); s.stated {
			stated = append(stated, s.key)
		}
	}
	switch len(stated) {
	case 0:
		v.add(path, "no key source: state one of %s", strings.Join(known, ", "))
	case 1:
		return stated[0], true
	default:
		v.clash(at(path, stated[1]), at(path, stated[0]), "only one key source is allowed, and %s is stated too", stated[0])
	}
	return "", false
}

// source is a key of a mapping that says where keys come from.
type source struct {
	key    string
	stated bool
}

func (l *LocalIntrospection) sources() []source {
	return []source{
		{"jwks_uri", l.JWKSURI != ""},
		{"discovery", l.Discovery},
		{"jwks", !l.JWKS.IsZero()},
		{"certificate", !l.Certificate.IsZero()},
		{"public_key", !l.PublicKey.IsZero()},
		{"truststore", l.Truststore != nil},
		{"shared_key", l.SharedKey != nil},
	}
}

func (v *checker) algorithm(path []any, alg string) {
	switch {
	case slices.Contains(asymmetric, alg):
	case SharedKeySize(alg) > 0:
		v.add(path, "%q needs shared_key: a public key is known to those who would forge", alg)
	case strings.EqualFold(alg, "none"):
		v.add(path, "%q would accept tokens without a signature", alg)
	default:
		v.add(path, "%q is not a known signature algorithm%s", alg, DidYouMean(alg, asymmetric))
	}
}

func (v *checker) atLeast(path []any, d Duration, least time.Duration) {
	if time.Duration(d) < least {
		v.add(path, "must be at least %s", least)
	}
}

// secureURL reports an address of keys that a stranger could change on its way.
func (v *checker) secureURL(path []any, raw string, allowHTTP bool) {
	u, problem := parseURL(raw)
	switch {
	case problem != "":
		v.add(path, "%s", problem)
	case u.RawQuery != "" && path[len(path)-1] == "issuer":
		v.add(path, "an issuer used for discovery has no query")
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		v.add(path, "must be https; http needs allow_http: true beside it")
	}
}

// parseURL reads an absolute http or https address. The problem never repeats
// what may be user information or a query.
func parseURL(raw string) (u *url.URL, problem string) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		if strings.ContainsAny(raw, "@?") || strings.Contains(raw, "://") {
			return nil, "not an address such as https://host:port/path"
		}
		return nil, fmt.Sprintf("%q is not an address such as https://host:port/path", raw)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Sprintf("scheme %q is not http or https%s", u.Scheme, DidYouMean(u.Scheme, []string{"http", "https"}))
	case u.User != nil:
		return nil, "user information does not belong in an address"
	case !validHostPort(u.Host):
		return nil, fmt.Sprintf("%q is not a host with an optional port", u.Host)
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, "an address has no fragment here"
	}
	return u, ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
