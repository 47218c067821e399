package config

import "strings"

func (v *checker) tracing(c *Config) {
	t := c.Tracing
	if t == nil {
		return
	}
	v.oneOf([]any{"tracing", "continue"}, t.Continue, "always", "trusted_proxies", "never")
	if t.Continue == "trusted_proxies" && len(c.TrustedProxies) == 0 {
		v.warn([]any{"tracing", "continue"}, "no address is in trusted_proxies, so no trace is continued")
	}
	if t.Queue > 1_000_000 {
		v.add([]any{"tracing", "queue"}, "must be at most 1000000")
	}
	v.tracingEndpoint(t)
	seen := map[string]int{}
	for i, h := range t.Headers {
		v.secretHeader([]any{"tracing", "headers", i}, h)
		v.unique(seen, strings.ToLower(h.Name), []any{"tracing", "headers", i}, "name")
	}
}

func (v *checker) tracingEndpoint(t *Tracing) {
	path := []any{"tracing", "endpoint"}
	if t.Endpoint != "" {
		v.secureURL(path, t.Endpoint, t.AllowHTTP)
		u, problem := parseURL(t.Endpoint)
		switch {
		case problem != "": // reported already
		case u.RawQuery != "" || u.ForceQuery:
			v.add(path, "a collector's address has no query; what is secret goes into headers")
		case u.Path == "" || u.Path == "/":
			v.warn(path, "without a path; collectors commonly take spans at /v1/traces")
		case u.Scheme == "http" && !t.CA.IsZero():
			v.add([]any{"tracing", "ca"}, "the endpoint is not https")
		}
		return
	}
	for _, key := range []struct {
		name   string
		stated bool
	}{{"ca", !t.CA.IsZero()}, {"headers", len(t.Headers) > 0}, {"allow_http", t.AllowHTTP}} {
		if key.stated {
			v.add([]any{"tracing", key.name}, "needs endpoint: without one no spans are sent")
		}
	}
}

// secretHeader reports what could not stand in a request, without repeating
// the value.
func (v *checker) secretHeader(path []any, h SecretHeader) {
	switch lower := strings.ToLower(h.Name); {
	case h.Name == "": // reported as missing
	case !isToken(h.Name):
		v.add(at(path, "name"), "%q is not a field name", h.Name)
	case lower == "host", lower == "content-type", lower == "content-length", lower == "content-encoding",
		lower == "transfer-encoding", lower == "connection":
		v.add(at(path, "name"), "%q is written by the gateway itself", h.Name)
	}
	switch value := h.Value.Reveal(); {
	case value == "":
		v.add(at(path, "value"), "missing")
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		v.add(at(path, "value"), "holds a control character, which a field cannot carry")
	}
}
