// Package upstream is where requests go: connections to targets, forwarding,
// and what comes back.
package upstream

import (
	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// Upstream forwards exchanges to the target of one API. It is safe for
// concurrent use.
type Upstream struct{}

// New prepares an upstream; it opens no connection. The error is
// config.Faults with paths relative to the upstream's section.
func New(cfg config.Upstream, limits config.Limits) (*Upstream, error) { return &Upstream{}, nil }

// Forward sends x upstream and returns once the answer's head is in x.Answer.
// The error is a *problem.Problem.
func (u *Upstream) Forward(x *exchange.Exchange) error { return nil }

// Close ends the idle connections; running exchanges end by themselves.
func (u *Upstream) Close() error { return nil }
