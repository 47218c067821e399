// Package introspect says who a token speaks for. It verifies JWTs against the
// key set of their issuer; it knows nothing of HTTP requests or of problems.
//
// The path of a token: view.go looks into cache.go, else picks the auth server
// by the issuer the token claims; jws.go and json.go take the token apart,
// local.go, claims.go and profile.go judge it, gate.go lets a few signatures be
// checked at once, keys.go chooses the key, golang-jwt checks the signature.
//
// The path of a key: source.go says where it comes from, refresh.go fetches it
// in the background and demand.go for a token that names an unknown one; jwk.go,
// pem.go, truststore.go, certificate.go and key.go refuse what should not verify;
// keyset.go holds what is left, over reloads too.
// sharedkey.go is a key that both sides know, strategy.go the issuers whose
// tokens applications sign with keys of their own. keep.go brings fetched keys
// over a restart.
//
// What is no JWT of a known issuer: remote.go asks an authorization server, as
// client.go says who asks, and answer.go reads what it says; rests.go leaves it
// alone while it fails.
//
// Beyond the signature: binding.go is what a token is bound to, proof.go judges
// DPoP proofs (replay.go, nonce.go), denylist.go knows what has been revoked.
// set.go puts together what a configuration says of all that.
package introspect

import (
	"context"
	"errors"
	"time"
)

// What can be wrong with a token. Callers branch on these with errors.Is; the
// full text is for the log only.
var (
	ErrMalformed     = errors.New("token is malformed")
	ErrUnknownIssuer = errors.New("token's issuer is not known")
	ErrAlgorithm     = errors.New("token's algorithm is not allowed")
	ErrKey           = errors.New("token's key is not known")
	ErrSignature     = errors.New("token's signature is wrong")
	ErrExpired       = errors.New("token has expired")
	ErrNotYetValid   = errors.New("token is not yet valid")
	ErrClaims        = errors.New("token's claims are not acceptable")
	// ErrUnreachable: no usable key set, so nothing can be said of the token.
	ErrUnreachable = errors.New("no usable key set")
	// ErrInactive: the authorization server does not vouch for it.
	ErrInactive = errors.New("token is not active")
	// ErrNoAnswer: the authorization server says nothing, or nothing that makes
	// sense, so nothing can be said of the token.
	ErrNoAnswer = errors.New("authorization server gives no answer")
	// ErrBusy: too many verifications are running.
	ErrBusy = errors.New("too many verifications at once")
)

// Token is what a verified token says. It is shared and never changed.
type Token struct {
	AuthServer string // name of the auth server that vouches for it; empty: a strategy does
	// Application is the id of the application whose strategy's key verified it.
	Application string
	Issuer      string
	Subject     string
	Audience    []string
	Scopes      []string  // scope (space separated) or scp (list)
	Expires     time.Time // zero: the authorization server does not say
	Until       time.Time // Expires and what clocks may differ: it is not believed later; zero likewise
	Bound       Binding
	Claims      map[string]any // numbers are json.Number
}

// Introspector says what a raw token stands for at a moment. It does not keep
// raw. Safe for concurrent use.
type Introspector interface {
	Introspect(ctx context.Context, raw string, now time.Time) (*Token, error)
}
