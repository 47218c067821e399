// Package protocols lets requests pass that came over a protocol which their
// API is offered over.
package protocols

import (
	"bytes"
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// New builds the policy; names are those of http and https that may pass.
func New(names []string) exchange.Policy {
	cleartext, secure := slices.Contains(names, "http"), slices.Contains(names, "https")
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			allowed := cleartext
			if overTLS(x) {
				allowed = secure
			}
			if !allowed {
				return problem.ProtocolNotAllowed
			}
			return next(x)
		}
	}
}

// overTLS is what a trusted proxy says of its caller, and otherwise how the
// request came here. Of several words the last is the trusted proxy's own.
func overTLS(x *exchange.Exchange) bool {
	if !x.Trusted {
		return x.Secure
	}
	secure := x.Secure
	x.Head.Visit(func(name, value []byte) {
		if bytes.EqualFold(name, forwardedProto) {
			last := value[bytes.LastIndexByte(value, ',')+1:]
			secure = bytes.EqualFold(bytes.TrimSpace(last), https)
		}
	})
	return secure
}

// What overTLS compares with.
var (
	forwardedProto = []byte("X-Forwarded-Proto")
	https          = []byte("https")
)
