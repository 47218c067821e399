package gateway

import (
	"errors"

	"go.uber.org/zap"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// answer tells the caller what err means, in place of any answer there was, and
// notes it for the log.
func (g *Gateway) answer(x *exchange.Exchange, err error) {
	if x.Answer.Status != 0 {
		release := x.Answer.Release
		x.Answer.Status, x.Answer.Body, x.Answer.Release = 0, nil, nil
		release(false)
	}
	p := asProblem(err)
	x.Problem = p.Code
	if p.Cause != nil && x.Reason == "" {
		x.Reason = p.Cause.Error()
	}
	g.logFailure(x, p)
	p.Write(&x.HTTP.Response, x.ID)
}

// asProblem finds the problem in err. An error without one is a defect.
func asProblem(err error) *problem.Problem {
	if p, ok := err.(*problem.Problem); ok {
		return p
	}
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	return problem.Internal.Because(err)
}

// logFailure tells the operator of what is not the caller's fault, and of the
// rest who looks for it.
func (g *Gateway) logFailure(x *exchange.Exchange, p *problem.Problem) {
	level := zap.DebugLevel
	if p.Status >= 500 {
		level = zap.WarnLevel
	}
	if c := g.failures.check(level, p.Code, x.API); c != nil {
		c.Write(zap.ByteString("id", x.ID), zap.String("api", x.API), zap.String("upstream", x.Upstream),
			zap.Int("status", p.Status), zap.String("reason", x.Reason))
	}
}
