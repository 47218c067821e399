package config

import (
	"slices"
	"strings"
)

func (v *checker) upgrade(path []any, u *Upgrade, tokens bool) {
	for i, protocol := range u.Protocols {
		at := at(path, "protocols", i)
		name, _, _ := strings.Cut(protocol, "/")
		switch {
		case !isProtocol(protocol):
			v.add(at, "%q is not a protocol as Upgrade names it, such as websocket or name/1.0 (RFC 9110 7.8)", protocol)
		case strings.EqualFold(name, "h2c") || strings.EqualFold(name, "http") || strings.EqualFold(name, "tls"):
			v.add(at, "%q would hide requests from every policy", protocol)
		case strings.EqualFold(protocol, "ws") || strings.EqualFold(protocol, "wss"):
			v.add(at, "%q begins addresses, and no Upgrade names it: say websocket", protocol)
		case slices.ContainsFunc(u.Protocols[:i], func(p string) bool { return strings.EqualFold(p, protocol) }):
			v.add(at, "%q stands twice", protocol)
		}
	}
	if u.CloseOnExpiry && !tokens {
		v.add(at(path, "close_on_expiry"), "needs policies.identify by jwt or opaque: without a token nothing expires")
	}
}

// isProtocol reports whether text is a token, or two around a slash.
func isProtocol(text string) bool {
	name, version, hasVersion := strings.Cut(text, "/")
	return isToken(name) && (!hasVersion || isToken(version))
}
