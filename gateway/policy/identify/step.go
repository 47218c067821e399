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
// is sampled; of several levels, when the first one began and what the last one
// said.
func (l *level) noted(x *exchange.Exchange) error {
	if !x.Trace.Sampled {
		return l.identify(context.Background(), x)
	}
	judged := false
	s := &x.Steps
	if s.Identify.IsZero() {
		s.Identify = time.Now()
	}
	err := l.identify(introspect.Noting(context.Background(), &judged), x)
	s.IdentifyTime = time.Since(s.Identify)
	switch {
	case errors.Is(err, problem.TokenMissing), errors.Is(err, problem.Unidentified):
		s.Outcome = "missing"
	case err != nil:
		s.Outcome = "refused"
	case x.Caller.Anonymous:
		s.Outcome = "anonymous"
	case judged:
		s.Outcome = "verified"
	case x.Caller.By != tokenWay:
		s.Outcome = "found"
	default:
		s.Outcome = "cached"
	}
	return err
}
