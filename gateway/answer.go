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
	p := asProblem(err)
	x.Problem = p.Code
	if p.Cause != nil && x.Reason == "" {
		x.Reason = p.Cause.Error()
	}
	g.logFailure(x, p)
	g.tell(x, p)
	drop(x, p)
}

// tell writes what the caller is told of p. A panic in it is one while serving,
// told by the problem itself.
func (g *Gateway) tell(x *exchange.Exchange, p *problem.Problem) {
	tell := x.Tell
	if tell == nil {
		p.Write(&x.HTTP.Response, x.ID)
		addFields(x)
		return
	}
	x.Tell = nil
	defer g.rescue(x)
	tell(x, p)
	addFields(x)
}

// drop ends the upstream's answer, if there is one. The connection of one that
// was replaced stays in use if the rest of it is already here.
func drop(x *exchange.Exchange, p *problem.Problem) {
	if x.Answer.Status == 0 {
		return
	}
	whole := p.Is(problem.UpstreamFault) && (x.Answer.Body == nil || x.Answer.Body.Discard())
	release := x.Answer.Release
	x.Answer.Status, x.Answer.Body, x.Answer.Release = 0, nil, nil
	release(whole)
}

// addFields adds what policies have to say to an answer of the gateway's own.
func addFields(x *exchange.Exchange) {
	x.Fields.Visit(x.HTTP.Response.Header.AddBytesKV)
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
