// Package protocols lets requests pass that came over a protocol which their
// API is offered over.
package protocols

import (
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
			if x.OverTLS() {
				allowed = secure
			}
			if !allowed {
				return problem.ProtocolNotAllowed
			}
			return next(x)
		}
	}
}
