package archive

import "strings"

const resourcePath = "${sys:resource_path}"

func straightThrough(t *translation, at string, a *parameter) {
	if method := a.text("method"); method != "" && method != "CUSTOM" {
		t.refuse(at, "method %s for every request is not supported", method)
	}
	t.routed = a.text("endpointUri")
	t.timeouts = nil
	if seconds := a.text("connectTimeout"); seconds != "" && seconds != "0" {
		t.timeouts.set("connect_timeout", seconds+"s")
	}
	if seconds := a.text("readTimeout"); seconds != "" && seconds != "0" {
		t.timeouts.set("timeout", seconds+"s")
	}
	for _, key := range a.first("sslConfig").beyond() {
		t.tell(at, "sslConfig.%s is not taken over: state upstream.tls", key)
	}
	t.ignored(at, a, "endpointUri", "method", "connectTimeout", "readTimeout", "sslConfig", "passSecurityHeaders", "soapOptimize")
}

// target is where requests go: what routing says, else the native endpoint.
func (t *translation) target(a *api) {
	uri := t.routed
	if uri == "" && len(a.Native) > 0 {
		uri = strings.TrimSuffix(a.Native[0].URI, "/") + "/" + resourcePath
	}
	before, after, found := strings.Cut(uri, resourcePath)
	switch {
	case uri == "":
		t.refuse(t.at, "it has no endpoint")
		return
	case !found:
		t.refuse(t.at, "its endpoint %s has no %s: one address for every path is not supported", shorten(uri), resourcePath)
		return
	case after != "":
		t.refuse(t.at, "its endpoint has %q after the path, which is not supported", shorten(after))
		return
	}
	t.upstream = append(mapping{{key: "targets", value: []any{mapping{{key: "url", value: strings.TrimRight(before, "/")}}}}}, t.timeouts...)
}
