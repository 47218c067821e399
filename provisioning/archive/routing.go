package archive

import (
	"net/url"
	"slices"
	"strings"
)

const resourcePath = "${sys:resource_path}"

func straightThrough(t *translation, at string, a *parameter) {
	if t.routed != nil {
		t.refuse(at, twice)
		return
	}
	t.routed, t.routedAt = a, at
}

// endpoint is an address of the product: where requests go, whether their path is
// left out, and which parameters they get there.
type endpoint struct {
	url   string
	drop  bool
	query mapping
}

func (t *translation) endpointOf(at, uri string) (e endpoint, ok bool) {
	before, after, found := strings.Cut(uri, resourcePath)
	if !found {
		before, after, _ = strings.Cut(uri, "?")
		after = "?" + after
	}
	switch {
	case uri == "":
		t.refuse(at, "it has no endpoint")
		return e, false
	case after != "" && after[0] != '?' && after[0] != '&':
		t.refuse(at, "its endpoint has %q after the path, which is not supported", shorten(after))
		return e, false
	case strings.Contains(before, "?"):
		t.refuse(at, "its endpoint has the path in its query, which is not supported")
		return e, false
	case !t.addressed(before):
		t.refuse(at, "its endpoint %s is not an address of HTTP", shorten(before))
		return e, false
	}
	if e = (endpoint{url: before, drop: !found}); found {
		e.url = strings.TrimRight(before, "/")
	}
	return e, t.parameters(at, strings.TrimLeft(after, "?&"), &e.query)
}

// addressed reports whether an endpoint is one, as far as its aliases are known.
func (t *translation) addressed(text string) bool {
	for _, a := range t.aliases.all {
		text = strings.ReplaceAll(text, "${"+a.Name+"}", a.text())
	}
	if strings.HasPrefix(text, "${") {
		return true // stated elsewhere
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// parameters are those of a query, each of one value.
func (t *translation) parameters(at, query string, m *mapping) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		t.refuse(at, "the query of its endpoint is none")
		return false
	}
	for _, name := range sortedKeys(values) {
		if len(values[name]) > 1 || name == "" {
			t.refuse(at, "its endpoint has parameter %q more than once, or without a name, which is not supported", shorten(name))
			return false
		}
		*m = append(*m, entry{key: name, value: values[name][0]})
	}
	return true
}

// upstreamOf is an endpoint with its timeouts, and what else a rule says of requests
// that go there.
func (t *translation) upstreamOf(at string, a *parameter) (m, changes mapping, ok bool) {
	e, ok := t.endpointOf(at, a.text("endpointUri"))
	if !ok {
		return nil, nil, false
	}
	switch method := strings.ToUpper(a.text("method")); {
	case method == "" || method == "CUSTOM":
	case slices.Contains(methods, strings.ToLower(method)) && method != "HEAD":
		changes.set("method", method)
	default:
		t.refuse(at, "method %s for every request is not supported", shorten(method))
		return nil, nil, false
	}
	if e.drop {
		changes.set("path", "drop")
		if !a.truth("forwardQueryParams", false) {
			changes.set("query", "drop")
		}
	}
	changes.set("set_query", e.query)
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
	if a.truth("passSecurityHeaders", false) {
		t.tell(at, "passSecurityHeaders: if the service reads the caller's token, state policies.outbound: forward_token")
	}
	t.ignored(at, a, "endpointUri", "method", "connectTimeout", "readTimeout", "sslConfig", "passSecurityHeaders", "soapOptimize", "forwardQueryParams")
	return m, changes, true
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
	upstream, changes, ok := t.upstreamOf(at, to)
	if !ok {
		return
	}
	if t.upstream = upstream; len(changes) > 0 {
		t.routes = append(t.routes, append(mapping{{key: "name", value: "endpoint"}}, changes...))
	}
	if len(t.routes) > 0 {
		t.own.set("route", mapping{{key: "rules", value: t.routes}})
	}
}
