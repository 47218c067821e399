package identify

import (
	"context"
	"errors"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// tokenWay is what the metrics and logs call it.
const tokenWay = "token"

// token identifies by a JWT or an opaque token.
type token struct {
	tokens  introspect.Introspector
	source  source
	judge   judge
	callers callers

	outcomes   tokenOutcomes
	denylist   *introspect.Denylist
	possession possession
	challenges challenges
}

func newToken(s *site) way {
	return &token{
		tokens: s.believed.Tokens, source: tokenSource(s.cfg), judge: newJudge(s.cfg, s.believed), callers: s.callers,
		outcomes: newTokenOutcomes(s.metrics), denylist: s.believed.Denylist,
		possession: possession{s.believed.Proofs, s.cfg.SenderConstrained}, challenges: newChallenges(s.api, s.cfg),
	}
}

func tokenSource(cfg *config.Identify) source {
	at := cfg.Token
	if at == nil { // as SetDefaults has it
		at = &config.TokenSource{Header: "Authorization", Scheme: "Bearer"}
	}
	s := newSource(at)
	s.authorization = true
	return s
}

// concealToken takes the token off, and what came with it.
func concealToken(cfg *config.Identify) func(x *exchange.Exchange) {
	s := tokenSource(cfg)
	return func(x *exchange.Exchange) {
		s.remove(x)
		if x.Proved != "" {
			x.Head.Del(proofField)
		}
	}
}

func (t *token) challenge() string { return t.challenges.first }

func (t *token) identify(ctx context.Context, x *exchange.Exchange) (finding, error) {
	shown := t.source.find(x)
	switch {
	case shown.tokens > 1:
		x.Reason = "more than one token is presented"
		return finding{}, t.challenges.several
	case shown.tokens == 0:
		return finding{stray: shown.credentials}, nil
	}
	found, err := t.believe(ctx, x, &shown)
	if err != nil {
		return finding{}, t.refuse(x, err)
	}
	t.outcomes.accepted.Inc()
	x.Presented.Token = shown.kept()
	return found, nil
}

// believe verifies a token, and finds out for whom it speaks.
func (t *token) believe(ctx context.Context, x *exchange.Exchange, shown *presented) (f finding, err error) {
	now := time.Now()
	token, err := t.tokens.Introspect(ctx, shown.raw, now)
	if err != nil {
		return f, err
	}
	if err := t.possession.check(ctx, x, token, shown); err != nil {
		return f, err
	}
	if err := t.denylist.Check(token, now); err != nil {
		return f, err
	}
	user, err := t.judge.subject(token)
	if err != nil {
		return f, err
	}
	app, err := t.callers.find(token)
	if err != nil {
		return f, err
	}
	if err := t.judge.audience(x, token, app, t.callers.elsewhere(app)); err != nil {
		return f, err
	}
	return finding{found: true, token: token, user: user, applications: app.Alone()}, nil
}

// refuse counts a token and says as much of it as a stranger may know.
func (t *token) refuse(x *exchange.Exchange, err error) error {
	x.Reason = err.Error()
	t.outcomes.of(err).Inc()
	switch {
	case errors.Is(err, introspect.ErrUnreachable):
		return problem.KeysUnavailable.Because(err)
	case errors.Is(err, introspect.ErrNoAnswer), errors.Is(err, introspect.ErrDenylist):
		return problem.IntrospectionUnavailable.Because(err)
	case errors.Is(err, introspect.ErrBusy):
		return problem.Overloaded.Because(err)
	case errors.Is(err, introspect.ErrNonce):
		return t.challenges.nonce(t.possession.proofs.Nonce(time.Now()))
	case errors.Is(err, introspect.ErrProof), errors.Is(err, introspect.ErrReplay):
		return t.challenges.proof
	}
	return t.challenges.invalid
}
