package config

import (
	"slices"
	"strings"
)

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
