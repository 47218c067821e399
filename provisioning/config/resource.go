package config

import (
	"net/url"
	"strings"
)

// ProtectedResource is what OAuth clients learn of an API (RFC 9728 2).
type ProtectedResource struct {
	Resource      string   `yaml:"resource"` // the API's own address, as clients name it
	Name          string   `yaml:"name"`
	Documentation string   `yaml:"documentation"`
	Scopes        []string `yaml:"scopes"` // default: those that the API and its scopes ask for
}

// WellKnown is the begin of every metadata path (RFC 9728 3).
const WellKnown = "/.well-known/oauth-protected-resource"

// Metadata is the host and the path at which an API's metadata are found.
// Validate has seen that Resource is an address.
func (p *ProtectedResource) Metadata() (host, path string) {
	u, err := url.Parse(p.Resource)
	if err != nil {
		return "", ""
	}
	host = strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	return host, WellKnown + strings.TrimSuffix(u.EscapedPath(), "/")
}

// MetadataURL is the address of the API's metadata.
func (p *ProtectedResource) MetadataURL() string {
	host, path := p.Metadata()
	scheme, _, _ := strings.Cut(p.Resource, "://")
	return scheme + "://" + host + path
}

// protectedResources checks what APIs say of themselves.
func (v *checker) protectedResources(c *Config) {
	seen := map[string]int{}
	for i := range c.APIs {
		p := c.APIs[i].ProtectedResource
		if p == nil {
			continue
		}
		path := []any{"apis", i, "protected_resource"}
		if id := c.APIs[i].Policies.Identify; c.TokenRules(i) == nil && id != nil {
			v.add(path, "it tells who needs a token, and identify asks for none: say by: [jwt]")
		}
		u, problem := parseURL(p.Resource)
		switch {
		case p.Resource == "":
			v.add(at(path, "resource"), "missing: the address of the API as its callers name it")
			continue
		case problem != "":
			v.add(at(path, "resource"), "%s", problem)
			continue
		case u.RawQuery != "":
			v.add(at(path, "resource"), "must have no query")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			v.add(at(path, "resource"), "must be https (RFC 9728 1.2)")
		}
		if p.Documentation != "" {
			if _, problem := parseURL(p.Documentation); problem != "" {
				v.add(at(path, "documentation"), "%s", problem)
			}
		}
		v.scopeNames(at(path, "scopes"), p.Scopes)
		where := p.MetadataURL()
		if first, again := seen[where]; again {
			v.clash(at(path, "resource"), []any{"apis", first, "protected_resource", "resource"}, "its metadata would be at the same place")
			continue
		}
		seen[where] = i
	}
}
