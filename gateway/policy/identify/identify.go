// Package identify finds out who calls, from the token a request presents. What
// a token says comes from introspect; whether it speaks to this API, and what
// of it the upstream learns, is judged here for each request.
package identify

import (
	"bytes"
	"context"
	"errors"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/introspect"
	"postern/provisioning/config"
)

// Believed is whose tokens an API accepts.
type Believed struct {
	Tokens    introspect.Introspector
	Audiences map[string]*config.Audience // by name of the auth server
}

// New builds the policy for callers that present a JWT.
func New(cfg *config.Identify, believed Believed, m *metrics.Instruments) exchange.Policy {
	id := &identifier{believed: believed, headers: newHeaders(cfg.ClaimHeaders), outcomes: newOutcomes(m)}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if err := id.identify(x); err != nil {
				return err
			}
			return next(x)
		}
	}
}

type identifier struct {
	believed Believed
	headers  []header
	outcomes outcomes
}

// Reasons of this policy's own; the others are introspect's.
var (
	errAudience   = errors.New("token is for another audience")
	errAuthServer = errors.New("token's auth server is not one of this API")
)

// identify fills in x.Caller and rewrites the head, or says why not.
func (id *identifier) identify(x *exchange.Exchange) error {
	raw, err := bearer(x)
	if err != nil {
		return err
	}
	token, err := id.believed.Tokens.Introspect(context.Background(), raw, time.Now())
	if err == nil {
		err = id.judge(token)
	}
	if err != nil {
		return id.refuse(x, err)
	}
	id.outcomes.accepted.Inc()
	x.Caller = exchange.Caller{Subject: token.Subject, Issuer: token.Issuer, Scopes: token.Scopes, Claims: token.Claims}
	x.Head.Del(fasthttp.HeaderAuthorization)
	for i := range id.headers {
		id.headers[i].set(x, token.Claims)
	}
	return nil
}

// bearer returns the token of the Authorization field; wire has refused a second
// one. The string borrows the request's memory: copying each token would cost
// more than finding it in a cache does.
func bearer(x *exchange.Exchange) (string, error) {
	field := x.HTTP.Request.Header.Peek(fasthttp.HeaderAuthorization)
	scheme, token, _ := bytes.Cut(field, space)
	token = bytes.Trim(token, " ")
	if !bytes.EqualFold(scheme, bearerScheme) || len(token) == 0 {
		return "", problem.TokenMissing
	}
	return unsafe.String(unsafe.SliceData(token), len(token)), nil
}

// What bearer compares with.
var (
	space        = []byte(" ")
	bearerScheme = []byte("Bearer")
)

// judge asks whether a token that is good in itself is meant for this API.
func (id *identifier) judge(token *introspect.Token) error {
	audience := id.believed.Audiences[token.AuthServer]
	switch {
	case audience == nil:
		return errAuthServer
	case !audience.Admits(token.Audience):
		return errAudience
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
	case errors.Is(err, introspect.ErrBusy):
		return problem.Overloaded.Because(err)
	}
	return problem.InvalidToken
}
