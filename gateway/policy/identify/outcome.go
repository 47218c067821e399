package identify

import (
	"errors"

	"postern/gateway/application"
	"postern/gateway/metrics"
	"postern/gateway/password"
	"postern/introspect"
)

// reasons are why tokens are refused, in the words of the metric.
var reasons = [...]struct {
	err  error
	word string
}{
	{introspect.ErrMalformed, "malformed"},
	{introspect.ErrUnknownIssuer, "unknown_issuer"},
	{introspect.ErrAlgorithm, "algorithm"},
	{introspect.ErrKey, "unknown_key"},
	{introspect.ErrSignature, "signature"},
	{introspect.ErrExpired, "expired"},
	{introspect.ErrNotYetValid, "not_yet_valid"},
	{introspect.ErrClaims, "claims"},
	{introspect.ErrUnreachable, "no_keys"},
	{introspect.ErrInactive, "inactive"},
	{introspect.ErrNoAnswer, "no_answer"},
	{introspect.ErrBusy, "busy"},
	{introspect.ErrRevoked, "revoked"},
	{introspect.ErrDenylist, "no_denylist"},
	{introspect.ErrProof, "proof"},
	{introspect.ErrReplay, "proof_replayed"},
	{introspect.ErrNonce, "proof_nonce"},
	{errCertificate, "certificate"},
	{errUnbound, "unbound"},
	{errAudience, "audience"},
	{errSubject, "subject"},
	{errNotRegistered, "application"},
	{application.ErrNone, "application"},
	{application.ErrSeveral, "application"},
	{application.ErrSuspended, "application"},
	{application.ErrTooMuch, "application"},
}

// tokenOutcomes count the tokens that were judged. An API that is rebuilt counts
// on with the same ones.
type tokenOutcomes struct {
	accepted *metrics.Counter
	refused  [len(reasons)]*metrics.Counter
	other    *metrics.Counter
}

func newTokenOutcomes(m *metrics.Instruments) tokenOutcomes {
	o := tokenOutcomes{accepted: m.Token("accepted"), other: m.Token("other")}
	for i := range reasons {
		o.refused[i] = m.Token(reasons[i].word)
	}
	return o
}

// of is the counter of a reason.
func (o *tokenOutcomes) of(err error) *metrics.Counter {
	for i := range reasons {
		if errors.Is(err, reasons[i].err) {
			return o.refused[i]
		}
	}
	return o.other
}

// refusals are why other credentials are refused, in the words of the metric.
var refusals = [...]struct {
	err  error
	word string
}{
	{errUnknown, "unknown"},
	{errMalformed, "malformed"},
	{password.ErrWrong, "wrong"},
	{password.ErrPausing, "pausing"},
	{password.ErrBusy, "busy"},
	{errSeveral, "several"},
	{errDiffer, "differ"},
	{errTwoUsers, "differ"},
	{errNotRegistered, "application"},
	{application.ErrSuspended, "application"},
	{errNotValid, "expired"},
}

// outcomes count what was found, or refused, by one way that is not by token.
type outcomes struct {
	accepted *metrics.Counter
	refused  [len(refusals)]*metrics.Counter
	other    *metrics.Counter
}

func newOutcomes(m *metrics.Instruments, way string) *outcomes {
	o := &outcomes{accepted: m.Credential(way, "accepted"), other: m.Credential(way, "other")}
	for i := range refusals {
		o.refused[i] = m.Credential(way, refusals[i].word)
	}
	return o
}

// of is the counter of a reason.
func (o *outcomes) of(err error) *metrics.Counter {
	for i := range refusals {
		if errors.Is(err, refusals[i].err) {
			return o.refused[i]
		}
	}
	return o.other
}
