package config

import (
	"reflect"
	"slices"
	"strings"
)

func (v *checker) apis(c *Config, servers knownServers) {
	seen := map[[2]string]int{}
	for i := range c.APIs {
		a, path := &c.APIs[i], []any{"apis", i}
		if first, again := seen[[2]string{a.Name, a.Version}]; again && a.Name != "" {
			v.clash(at(path, "name"), []any{"apis", first, "name"}, "API %q version %q stands twice", a.Name, a.Version)
		} else {
			seen[[2]string{a.Name, a.Version}] = i
		}
		v.api(path, a, c.TokenRules(i) != nil)
		v.definition(c, i)
		v.groups(c, i, servers)
		v.tokenless(c, i)
	}
	v.globalPolicies(c)
	for level := range c.AllLevels() {
		v.policies(c, level)
		v.cors(level.At("cors"), level.Policies.CORS, c.Applications)
		v.concurrency(level.At("concurrency"), level.Policies.Concurrency)
		v.compression(level.At("compression"), level.Policies.Compression)
		v.cache(level.At("cache"), level.Policies.Cache)
		v.ipfilter(level.At("ipfilter"), level.Policies.IPFilter)
		v.mask(c, level.At("mask"), level.Policies.Mask)
		v.transform(level.At("transform"), level.Policies.Transform)
		v.outbound(level.At("outbound"), level.Policies.Outbound)
		v.route(c, level)
		v.identify(c, level, servers)
	}
	v.ruleNames(c)
	v.callers(c)
	v.addresses(c)
}

func (v *checker) api(path []any, a *API, tokens bool) {
	v.apiName(path, a)
	for i, host := range a.Hosts {
		v.host(at(path, "hosts", i), host)
		if slices.Contains(a.Hosts[:i], host) {
			v.add(at(path, "hosts", i), "%q stands twice", host)
		}
	}
	if a.BasePath != "" {
		v.basePath(at(path, "base_path"), a.BasePath)
	}
	v.oneOf(at(path, "paths", "encoded_slash"), a.Paths.EncodedSlash, "reject", "keep")
	v.upstream(at(path, "upstream"), a.Upstream)
	v.hashOfClaim(at(path, "upstream", "balance", "hash", "by"), a.Upstream.Balance, tokens)
	v.upgrade(at(path, "upstream", "upgrade"), a.Upstream.Upgrade, tokens)
	v.resources(path, a)
	v.scopes(path, a)
	for i, tag := range a.Tags {
		if tag == "" || slices.Contains(a.Tags[:i], tag) {
			v.add(at(path, "tags", i), "%q is empty or stands twice", tag)
		}
	}
}

// apiName checks name and version, which are path segments unless base_path
// stands for both, and labels in logs and metrics always.
func (v *checker) apiName(path []any, a *API) {
	if a.Name == "" {
		v.add(at(path, "name"), "missing")
	}
	for _, part := range []struct{ key, value string }{{"name", a.Name}, {"version", a.Version}} {
		switch fault := literalFault(part.value, false); {
		case !isPrintable(part.value):
			v.add(at(path, part.key), "%q is not printable text", part.value)
		case a.BasePath == "" && fault != "":
			v.add(at(path, part.key), "%q is no path segment (%s): change it, or state base_path", part.value, fault)
		}
	}
}

func (v *checker) host(path []any, host string) {
	name := strings.TrimPrefix(host, "*.")
	switch {
	case validHost(name), strings.HasPrefix(name, "[") && validHostPort(name) && strings.HasSuffix(name, "]"):
	case validHostPort(name):
		v.add(path, "%q: a host is compared without its port", host)
	default:
		v.add(path, "%q is not a host name, nor *. before one", host)
	}
}

func (v *checker) resources(path []any, a *API) {
	type taker struct {
		index   int
		methods []string
	}
	takers := map[string][]taker{}
	known := make([]string, len(a.Scopes))
	for i := range a.Scopes {
		known[i] = a.Scopes[i].Name
	}
	for i, r := range a.Resources {
		item := at(path, "resources", i)
		v.resource(item, r, a)
		for j, scope := range r.Scopes {
			if !slices.Contains(known, scope) {
				v.add(at(item, "scopes", j), "no scope of this API is named %q%s", scope, DidYouMean(scope, known))
			}
		}
		same := shape(r.Path)
		for _, t := range takers[same] {
			if r.Path != "" && overlap(t.methods, r.Methods) {
				v.clash(at(item, "path"), at(path, "resources", t.index, "path"), "%q takes the same paths and methods as another resource", r.Path)
				break
			}
		}
		takers[same] = append(takers[same], taker{i, r.Methods})
	}
}

func (v *checker) resource(path []any, r Resource, a *API) {
	if r.Path == "" {
		v.add(at(path, "path"), "missing")
	} else if fault := templateFault(r.Path, a.Paths.EncodedSlash == "keep"); fault != "" {
		v.add(at(path, "path"), "%s", fault)
	}
	for i, method := range r.Methods {
		v.method(at(path, "methods", i), method)
	}
}

func (v *checker) method(path []any, method string) {
	switch {
	case method == "CONNECT" || method == "TRACE":
		v.add(path, "%s is refused in every request", method)
	case method == "", strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
		v.add(path, "%q is not a method: upper-case letters and - only", method)
	}
}

// overlap reports whether some method belongs to both lists; an empty list is
// every method.
func overlap(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(m string) bool { return slices.Contains(b, m) })
}

func (v *checker) scopes(path []any, a *API) {
	seen, used := map[string]int{}, map[string]bool{}
	var wanted []string
	for _, r := range a.Resources {
		for _, scope := range r.Scopes {
			used[scope] = true
			wanted = append(wanted, scope)
		}
	}
	for i, s := range a.Scopes {
		item := at(path, "scopes", i)
		v.unique(seen, s.Name, item, "name")
		if s.Name != "" && !used[s.Name] {
			v.add(at(item, "name"), "no resource uses %q%s", s.Name, DidYouMean(s.Name, wanted))
		}
		if reflect.ValueOf(s.Policies).IsZero() {
			v.add(at(item, "policies"), "missing: a scope without policies does nothing")
		}
	}
}
