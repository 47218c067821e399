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
	// Proofs judges what holders of bound tokens show, Denylist tokens that may
	// have been revoked; without one it is nil.
	Proofs   *introspect.Proofs
	Denylist *introspect.Denylist
}

// Known are the applications that an API knows.
type Known struct {
	Registered *application.Index
	All        *application.Index
}

// New builds the policy for callers that present a token.
func New(api *config.API, believed Believed, known Known, m *metrics.Instruments) exchange.Policy {
	cfg := api.Policies.Identify
	id := &identifier{
		tokens: believed.Tokens, source: newSource(cfg.Token), anonymous: cfg.Anonymous,
		judge:   newJudge(api, believed),
		callers: callers{known, cfg.Applications},
		headers: newHeaders(cfg), outcomes: newOutcomes(m),
		denylist: believed.Denylist, possession: possession{believed.Proofs, cfg.SenderConstrained}, challenges: newChallenges(api),
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

	denylist   *introspect.Denylist
	possession possession
	challenges challenges
}

// identify fills in x.Caller and rewrites the head, or says why not.
func (id *identifier) identify(ctx context.Context, x *exchange.Exchange) error {
	found := id.source.find(x)
	switch {
	case found.tokens > 1:
		x.Reason = "more than one token is presented"
		return id.challenges.several
	case found.tokens == 0 && (!id.anonymous || found.credentials):
		return id.challenges.missing
	case found.tokens == 0:
		x.Caller = exchange.Caller{Anonymous: true}
		id.source.remove(x, &found) // other spellings, which some servers read as the same field
	default:
		if err := id.believe(ctx, x, &found); err != nil {
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
func (id *identifier) believe(ctx context.Context, x *exchange.Exchange, found *presented) error {
	now := time.Now()
	token, err := id.tokens.Introspect(ctx, found.raw, now)
	if err != nil {
		return err
	}
	if err := id.possession.check(ctx, x, token, found); err != nil {
		return err
	}
	if err := id.denylist.Check(token, now); err != nil {
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
	if err := id.judge.audience(x, token, app, id.callers.elsewhere(app)); err != nil {
		return err
	}
	x.Caller = exchange.Caller{Subject: token.Subject, Issuer: token.Issuer, Scopes: token.Scopes, Claims: token.Claims, Expires: token.Until}
	if user != nil {
		x.Caller.Groups = user.Groups
	}
	if app != nil {
		x.Caller.Application = exchange.Application{Name: app.Name, ID: app.ID}
	}
	return nil
}

// refuse counts a token and says as much of it as a stranger may know.
func (id *identifier) refuse(x *exchange.Exchange, err error) error {
	x.Reason = err.Error()
	id.outcomes.of(err).Inc()
	switch {
	case errors.Is(err, introspect.ErrUnreachable):
		return problem.KeysUnavailable.Because(err)
	case errors.Is(err, introspect.ErrNoAnswer), errors.Is(err, introspect.ErrDenylist):
		return problem.IntrospectionUnavailable.Because(err)
	case errors.Is(err, introspect.ErrBusy):
		return problem.Overloaded.Because(err)
	case errors.Is(err, introspect.ErrNonce):
		return id.challenges.nonce(id.possession.proofs.Nonce(time.Now()))
	case errors.Is(err, introspect.ErrProof), errors.Is(err, introspect.ErrReplay):
		return id.challenges.proof
	}
	return id.challenges.invalid
}
