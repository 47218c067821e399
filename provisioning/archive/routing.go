package archive

import "strings"

const resourcePath = "${sys:resource_path}"

func straightThrough(t *translation, at string, a *parameter) {
	t.routed, t.routedAt = a, at
}

// endpoint is an address of the product: where requests go, and whether their path
// is left out.
type endpoint struct {
	url  string
	drop bool
}

func (t *translation) endpointOf(at, uri string) (e endpoint, ok bool) {
	before, after, found := strings.Cut(uri, resourcePath)
	switch {
	case uri == "":
		t.refuse(at, "it has no endpoint")
		return e, false
	case after != "":
		t.refuse(at, "its endpoint has %q after the path, which is not supported", shorten(after))
		return e, false
	case strings.Contains(before, "?"):
		t.refuse(at, "its endpoint has a query, which is not supported")
		return e, false
	case !found:
		return endpoint{before, true}, true
	}
	return endpoint{url: strings.TrimRight(before, "/")}, true
}

// upstreamOf is an endpoint with its timeouts; drop says that it stands for every
// path.
func (t *translation) upstreamOf(at string, a *parameter) (m mapping, drop, ok bool) {
	if method := a.text("method"); method != "" && method != "CUSTOM" {
		t.refuse(at, "method %s for every request is not supported", method)
		return nil, false, false
	}
	e, ok := t.endpointOf(at, a.text("endpointUri"))
	if !ok {
		return nil, false, false
	}
	m = mapping{{key: "targets", value: []any{mapping{{key: "url", value: e.url}}}}}
	if seconds := a.text("connectTimeout"); seconds != "" && seconds != "0" {
		m.set("connect_timeout", seconds+"s")
	}
	if seconds := a.text("readTimeout"); seconds != "" && seconds != "0" {
		m.set("timeout", seconds+"s")
	}
	for _, key := range a.first("sslConfig").beyond() {
		t.tell(at, "sslConfig.%s is not taken over: state upstream.tls", key)
	}
	t.ignored(at, a, "endpointUri", "method", "connectTimeout", "readTimeout", "sslConfig", "passSecurityHeaders", "soapOptimize", "forwardQueryParams")
	return m, e.drop, true
}

// target is where requests go that no rule takes: what routing says, else the native
// endpoint.
func (t *translation) target(a *api) {
	at, to := t.routedAt, t.routed
	if to == nil {
		at, to = t.at, &parameter{}
		if len(a.Native) > 0 {
			uri := strings.TrimSuffix(a.Native[0].URI, "/") + "/" + resourcePath
			to.Parameters = []parameter{{Key: "endpointUri", Values: []any{uri}}}
		}
	}
	upstream, drop, ok := t.upstreamOf(at, to)
	if !ok {
		return
	}
	if t.upstream = upstream; drop {
		rule := mapping{{key: "name", value: "endpoint"}, {key: "path", value: "drop"}}
		if !to.truth("forwardQueryParams", false) {
			rule.set("query", "drop")
		}
		t.routes = append(t.routes, rule)
	}
	if len(t.routes) > 0 {
		t.own.set("route", mapping{{key: "rules", value: t.routes}})
	}
}
