package identify

import (
	"context"
	"errors"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
)

// payload identifies by what a request's body holds, which proves nothing. The
// body is read for it, and sent on as it came.
type payload struct {
	callers callers
	bodies  *message.Bodies
}

func newPayload(s *site) way { return &payload{s.callers, s.bodies} }

func (*payload) challenge() string { return "" }

func (p *payload) identify(_ context.Context, x *exchange.Exchange) (finding, error) {
	m, err := p.bodies.Request(x)
	if err != nil {
		return finding{}, explained(x, err)
	}
	var failed error
	list, err := p.callers.among(func(known *application.Index) []*application.Application {
		found, err := known.ByPayload(m)
		failed = errors.Join(failed, err)
		return found
	})
	var told *problem.Problem
	switch {
	case errors.As(failed, &told):
		return finding{}, explained(x, told)
	case failed != nil:
		return finding{why: failed}, nil
	}
	return finding{found: err == nil, applications: list, why: err}, nil
}

// explained notes for the log why a body was refused.
func explained(x *exchange.Exchange, err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && p.Cause != nil {
		x.Reason = "payload: " + p.Cause.Error()
	}
	return err
}
