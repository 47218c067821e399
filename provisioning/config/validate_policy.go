package config

import (
	"regexp"
	"slices"
	"strings"
)

// knownServers are the auth servers by name, and their names in order.
type knownServers struct {
	byName map[string]*AuthServer
	names  []string
}

// laterIdentification are the ways to identify a caller that the grammar has
// and this gateway has not.
var laterIdentification = []string{"opaque", "api_key", "basic", "certificate", "ip", "hostname", "payload"}

func (v *checker) identify(path []any, a *API, servers knownServers) {
	id := a.Policies.Identify
	if id == nil {
		v.add(path, `missing: say who may call, or the word "none"`)
		return
	}
	if id.None {
		return
	}
	if len(id.By) == 0 {
		v.add(at(path, "by"), "missing: say [jwt]")
	}
	for i, by := range id.By {
		if slices.Contains(laterIdentification, by) {
			v.add(at(path, "by", i), "%q is not supported yet", by)
			continue
		}
		v.oneOf(at(path, "by", i), by, "jwt")
	}
	switch id.Applications {
	case "none":
	case "":
		v.add(at(path, "applications"), `missing: its default, "registered", is not supported yet; say none`)
	case "registered", "all":
		v.add(at(path, "applications"), "%q is not supported yet", id.Applications)
	default:
		v.oneOf(at(path, "applications"), id.Applications, "none")
	}
	v.believed(at(path, "auth_servers"), id.AuthServers, servers)
	v.claimHeaders(at(path, "claim_headers"), id.ClaimHeaders)
}

// believed checks the auth servers whose tokens an API accepts.
func (v *checker) believed(path []any, names []string, servers knownServers) {
	if len(names) == 0 {
		if len(servers.names) == 0 {
			v.add(path, "jwt needs an auth server, and none is configured")
			return
		}
		v.add(path, "missing: there are several auth servers (%s)", strings.Join(servers.names, ", "))
		return
	}
	for i, name := range names {
		server := servers.byName[name]
		switch {
		case server == nil:
			v.add(at(path, i), "no auth server is named %q%s", name, DidYouMean(name, servers.names))
		case slices.Contains(names[:i], name):
			v.add(at(path, i), "%q stands twice", name)
		case server.Issuer.Unchecked && len(names) > 1:
			v.add(at(path, i), "%q has issuer: unchecked, so it must be the only one here", name)
		}
	}
}

// ownHeaders are what the gateway or the connection decides; a claim must not.
var ownHeaders = []string{
	"host", "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "trailer",
	"transfer-encoding", "upgrade", "expect", "via", "forwarded", "authorization", "x-request-id", "traceparent", "tracestate",
}

func (v *checker) claimHeaders(path []any, headers []ClaimHeader) {
	seen := map[string]string{}
	for _, h := range headers {
		item := at(path, h.Header)
		name := strings.ReplaceAll(strings.ToLower(h.Header), "_", "-")
		if !isToken(h.Header) {
			v.add(item, "%q is not a header name", h.Header)
		}
		if slices.Contains(ownHeaders, name) || strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-forwarded-") {
			v.add(item, "%s is not for claims to set", h.Header)
		}
		if first, again := seen[name]; again {
			v.clash(item, at(path, first), "the same header stands twice")
		}
		seen[name] = h.Header
		v.claimName(item, h.Claim)
	}
}

// claimName checks a dot path, or a JSON pointer when it begins with a slash.
func (v *checker) claimName(path []any, name string) {
	pointer, isPointer := strings.CutPrefix(name, "/")
	switch {
	case name == "":
		v.add(path, "missing: the name of a claim")
	case isPointer && badEscape(pointer):
		v.add(path, "%q is not a JSON pointer: after ~ stands 0 or 1", name)
	case !isPointer && slices.Contains(strings.Split(name, "."), ""):
		v.add(path, "%q has an empty part; a name that holds dots is written as a JSON pointer", name)
	}
}

func badEscape(pointer string) bool {
	rest := strings.NewReplacer("~0", "", "~1", "").Replace(pointer)
	return strings.Contains(rest, "~")
}

// authorize checks the authorize of p against the identify it relies on.
func (v *checker) authorize(path []any, p Policies) {
	a := p.Authorize
	if p.Identify != nil && p.Identify.None {
		v.add(path, "identify: none leaves nobody to authorize")
	}
	if a.TokenScopes == nil && len(a.Claims) == 0 {
		v.add(path, "empty: state token_scopes or claims")
	}
	if s := a.TokenScopes; s != nil {
		if len(s.Any) == 0 && len(s.All) == 0 {
			v.add(at(path, "token_scopes"), "empty: state any or all")
		}
		v.scopeNames(at(path, "token_scopes", "any"), s.Any)
		v.scopeNames(at(path, "token_scopes", "all"), s.All)
	}
	for i, rule := range a.Claims {
		v.claimRule(at(path, "claims", i), rule)
	}
}

// scopeNames reports what no token's scope could hold (RFC 6749, 3.3).
func (v *checker) scopeNames(path []any, names []string) {
	for i, name := range names {
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
			v.add(at(path, i), "%q holds a character that no token scope has", name)
		}
	}
}

func (v *checker) claimRule(path []any, rule ClaimRule) {
	if rule.Name == "" {
		v.add(at(path, "name"), "missing: the name of a claim")
	} else {
		v.claimName(at(path, "name"), rule.Name)
	}
	stated := 0
	for _, set := range []bool{rule.Equals != nil, rule.Contains != nil, rule.OneOf != nil, rule.Pattern != ""} {
		if set {
			stated++
		}
	}
	if stated != 1 {
		v.add(path, "state exactly one of equals, contains, one_of, pattern")
	}
	if _, err := regexp.Compile(rule.Pattern); err != nil {
		v.add(at(path, "pattern"), "%v", err)
	}
}
