// Package identify finds out who calls, from the token a request presents. What
// a token says comes from introspect; whether it speaks to this API, and for
// which application, and what of it the upstream learns, is judged here for each
// request.
package identify

import (
	"context"
	"errors"
	"time"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// Believed is whose tokens an API accepts.
type Believed struct {
	Tokens  introspect.Introspector
	Servers map[string]*config.AuthServer // by name
	Users   map[string]*config.User       // by name
}

// Known are the applications that an API knows.
type Known struct {
	Registered *application.Index
	All        *application.Index
}

// New builds the policy for callers that present a JWT.
func New(api *config.API, believed Believed, known Known, m *metrics.Instruments) exchange.Policy {
	cfg := api.Policies.Identify
	id := &identifier{
		tokens: believed.Tokens, source: newSource(cfg.Token), anonymous: cfg.Anonymous,
		judge:   newJudge(api, believed),
		callers: callers{known, cfg.Applications},
		headers: newHeaders(cfg), outcomes: newOutcomes(m),
	}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if err := id.noted(x); err != nil {
				return err
			}
			return next(x)
		}
	}
}

type identifier struct {
	tokens    introspect.Introspector
	source    source
	anonymous bool
	judge     judge
	callers   callers
	headers   []header
	outcomes  outcomes
}

// identify fills in x.Caller and rewrites the head, or says why not.
func (id *identifier) identify(ctx context.Context, x *exchange.Exchange) error {
	found := id.source.find(x)
	switch {
	case found.tokens > 1:
		x.Reason = "more than one token is presented"
		return severalTokens
	case found.tokens == 0 && (!id.anonymous || found.credentials):
		return problem.TokenMissing
	case found.tokens == 0:
		x.Caller = exchange.Caller{Anonymous: true}
	default:
		if err := id.believe(ctx, x, found.raw); err != nil {
			return id.refuse(x, err)
		}
		id.outcomes.accepted.Inc()
		id.source.remove(x, &found)
	}
	for i := range id.headers {
		id.headers[i].set(x)
	}
	return nil
}

// believe verifies a token, and finds out for whom it speaks.
func (id *identifier) believe(ctx context.Context, x *exchange.Exchange, raw string) error {
	token, err := id.tokens.Introspect(ctx, raw, time.Now())
	if err != nil {
		return err
	}
	user, err := id.judge.subject(token)
	if err != nil {
		return err
	}
	app, err := id.callers.find(token)
	if err != nil {
		return err
	}
	if err := id.judge.audience(x, token, app); err != nil {
		return err
	}
	x.Caller = exchange.Caller{Subject: token.Subject, Issuer: token.Issuer, Scopes: token.Scopes, Claims: token.Claims}
	if user != nil {
		x.Caller.Groups = user.Groups
	}
	if app != nil {
		x.Caller.Application = exchange.Application{Name: app.Name, ID: app.ID}
	}
	return nil
}

// severalTokens is what RFC 6750 2 and 3.1 say of more than one.
var severalTokens = func() *problem.Problem {
	p := problem.BadRequest.Because(nil)
	p.Detail = "more than one token is presented (RFC 6750 2)"
	p.Challenge = problem.Challenge + `, error="invalid_request"`
	return p
}()

// refuse counts a token and says as much of it as a stranger may know.
func (id *identifier) refuse(x *exchange.Exchange, err error) error {
	x.Reason = err.Error()
	id.outcomes.of(err).Inc()
	switch {
	case errors.Is(err, introspect.ErrUnreachable):
		return problem.KeysUnavailable.Because(err)
	case errors.Is(err, introspect.ErrBusy):
		return problem.Overloaded.Because(err)
	}
	return problem.InvalidToken
}
