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

// laterIdentification are the ways to identify a caller that the grammar has
// and this gateway has not.
var laterIdentification = []string{"api_key", "basic", "certificate", "ip", "hostname", "payload"}

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
		v.add(at(path, "by"), "missing: say [jwt], [opaque] or both")
	}
	for i, by := range id.By {
		if slices.Contains(laterIdentification, by) {
			v.add(at(path, "by", i), "%q is not supported yet", by)
			continue
		}
		v.oneOf(at(path, "by", i), by, "jwt", "opaque")
	}
	v.oneOf(at(path, "combine"), id.Combine, "or", "and")
	v.oneOf(at(path, "applications"), id.Applications, "registered", "all", "none")
	v.tokenSource(at(path, "token"), id.Token)
	for i, word := range id.AudienceAlso {
		v.oneOf(at(path, "audience_also", i), word, "api_uri", "application_id")
		if word == "api_uri" && len(a.Hosts) == 0 {
			v.add(at(path, "audience_also", i), "api_uri needs hosts: without them a caller says which host was meant")
		}
	}
	for i, way := range id.SenderConstrained {
		v.oneOf(at(path, "sender_constrained", i), way, "dpop", "mtls")
		if way == "dpop" && len(a.Hosts) == 0 {
			v.warn(at(path, "sender_constrained", i), "without hosts a caller says for which host its proof was meant, so one made for another server passes too")
		}
	}
	if v.believed(at(path, "auth_servers"), id.AuthServers, servers) {
		v.sources(at(path, "auth_servers"), id, servers)
	}
	v.upstreamHeaders(path, id)
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

// ownHeaders are what the gateway or the connection decides; a claim must not.
var ownHeaders = []string{
	"host", "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "trailer",
	"transfer-encoding", "upgrade", "expect", "via", "forwarded", "authorization", "x-request-id", "traceparent", "tracestate",
}

// callerWords are what caller_headers can show.
var callerWords = []string{"subject", "issuer", "application.name", "application.id"}

// upstreamHeaders checks what the upstream learns of a caller. No header may
// stand twice, in either list.
func (v *checker) upstreamHeaders(path []any, id *Identify) {
	seen := map[string][]any{}
	header := func(item []any, header string) {
		name := strings.ReplaceAll(strings.ToLower(header), "_", "-")
		if !isToken(header) {
			v.add(item, "%q is not a header name", header)
		}
		if slices.Contains(ownHeaders, name) || strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-forwarded-") {
			v.add(item, "%s is not for claims to set", header)
		}
		if first := seen[name]; first != nil {
			v.clash(item, first, "the same header stands twice")
		}
		seen[name] = item
	}
	for _, h := range id.ClaimHeaders {
		item := at(path, "claim_headers", h.Header)
		header(item, h.Header)
		v.claimName(item, h.Claim)
	}
	for _, h := range id.CallerHeaders {
		item := at(path, "caller_headers", h.Header)
		header(item, h.Header)
		v.oneOf(item, h.Claim, callerWords...)
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
