// Package mask hides parts of bodies from upstreams, callers and logs. What it
// cannot look into does not pass.
package mask

import (
	"errors"
	"fmt"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// mask is one section at work.
type mask struct {
	bodies                   *message.Bodies
	request, response, fault *rules
}

// Side builds one side of a section: Requests or Answers.
type Side func(*config.Mask, *message.Bodies, *metrics.Instruments) (exchange.Policy, error)

// Requests builds what hides parts of requests; it is nil where there is nothing
// to hide, or only in logs. The error is config.Faults with paths relative to cfg.
func Requests(cfg *config.Mask, bodies *message.Bodies, m *metrics.Instruments) (exchange.Policy, error) {
	request, faults := compileFor(cfg.Request, "request", m)
	if faults != nil {
		return nil, faults
	}
	if request == nil || !cfg.Of("payload") {
		return nil, nil
	}
	p := &mask{bodies: bodies, request: request}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if err := p.maskRequest(x); err != nil {
				return err
			}
			return next(x)
		}
	}, nil
}

// Answers is Requests for answers, those of the status 400 and more included.
func Answers(cfg *config.Mask, bodies *message.Bodies, m *metrics.Instruments) (exchange.Policy, error) {
	response, faults := compileFor(cfg.Response, "response", m)
	fault, more := compileFor(cfg.Fault, "fault", m)
	if faults = append(faults, more...); faults != nil {
		return nil, faults
	}
	if response == nil && fault == nil || !cfg.Of("payload") {
		return nil, nil
	}
	p := &mask{bodies: bodies, response: response, fault: fault}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if p.response != nil {
				x.Head.Del("Range")
				x.Head.Del("If-Range")
			}
			if err := next(x); err != nil {
				return err
			}
			return p.maskAnswer(x)
		}
	}, nil
}

func compileFor(list []config.MaskRule, key string, m *metrics.Instruments) (*rules, config.Faults) {
	if len(list) == 0 {
		return nil, nil
	}
	r, err := compile(list, m.Masked(key))
	if err != nil {
		return nil, config.Below(err, key)
	}
	return r, nil
}

func (p *mask) maskRequest(x *exchange.Exchange) error {
	if x.Body == nil {
		return nil
	}
	m, err := p.bodies.Request(x)
	if err != nil {
		return err
	}
	return asRequest(p.request.apply(m))
}

// Why bodies are refused.
var (
	errType   = errors.New("no rule of mask is for bodies of this type")
	errPart   = errors.New("a part of a body cannot be masked")
	errEvents = errors.New("events cannot be masked")
)

// asRequest is the problem of a request's body.
func asRequest(err error) error {
	var told *problem.Problem
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.Is(err, errType):
		return problem.UnsupportedMediaType.Because(err)
	case errors.Is(err, message.ErrTooMuch):
		return problem.ContentTooLarge.Because(err)
	}
	return problem.BadRequest.Because(fmt.Errorf("mask request: %w", err))
}

func (p *mask) maskAnswer(x *exchange.Exchange) error {
	a, r := &x.Answer, p.response
	if a.Status >= 400 {
		r = p.fault
	}
	if r == nil || a.Status < 200 || a.Tunnel != nil {
		return nil // nothing to mask, the gateway's own, or no longer HTTP
	}
	switch {
	case a.Status == 206:
		return problem.AnswerUnreadable.Because(errPart)
	case a.Body != nil && mediaType(a.Head.Get("Content-Type")) == "text/event-stream":
		return problem.AnswerUnreadable.Because(errEvents)
	}
	m, err := p.bodies.Answer(x)
	if err != nil {
		return err
	}
	if r == p.response {
		a.Head.Del("Accept-Ranges")
	}
	if m.None() {
		if x.HTTP.IsHead() || a.Status == 304 {
			m.Disclaim()
		}
		return nil
	}
	return asAnswer(r.apply(m))
}

// asAnswer is the problem of an answer's body.
func asAnswer(err error) error {
	var told *problem.Problem
	if err == nil || errors.As(err, &told) {
		return err
	}
	return problem.AnswerUnreadable.Because(fmt.Errorf("mask answer: %w", err))
}
