package identify

import (
	"context"
	"errors"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/introspect"
)

// noted is identify, and notes when it ran and what came of it if the exchange
// is sampled.
func (id *identifier) noted(x *exchange.Exchange) error {
	if !x.Trace.Sampled {
		return id.identify(context.Background(), x)
	}
	judged := false
	s := &x.Steps
	s.Identify = time.Now()
	err := id.identify(introspect.Noting(context.Background(), &judged), x)
	s.IdentifyTime = time.Since(s.Identify)
	switch {
	case errors.Is(err, problem.TokenMissing):
		s.Outcome = "missing"
	case err != nil:
		s.Outcome = "refused"
	case x.Caller.Anonymous:
		s.Outcome = "anonymous"
	case judged:
		s.Outcome = "verified"
	default:
		s.Outcome = "cached"
	}
	return err
}
