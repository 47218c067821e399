package identify

import (
	"context"
	"crypto/sha256"
	"errors"
	"unsafe"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// key identifies by an API key.
type key struct {
	source  source
	callers callers
	several *problem.Problem
}

// keyChallenge is no registered scheme: there is none for API keys.
const keyChallenge = `ApiKey realm="postern"`

func newKey(s *site) way {
	several := challenging(problem.BadRequest, keyChallenge)
	several.Detail = "more than one API key is presented"
	return &key{source: newSource(s.cfg.APIKey), callers: s.callers, several: several}
}

// concealKey takes the key off.
func concealKey(cfg *config.Identify) func(x *exchange.Exchange) {
	s := newSource(cfg.APIKey)
	return s.remove
}

func (*key) challenge() string { return keyChallenge }

var errEmptyKey = errors.New("an API key is presented that is empty")

func (k *key) identify(_ context.Context, x *exchange.Exchange) (finding, error) {
	shown := k.source.find(x)
	switch {
	case shown.tokens > 1:
		x.Reason = "more than one API key is presented"
		return finding{}, k.several
	case shown.tokens == 0 && shown.credentials:
		return finding{stray: true, why: errEmptyKey}, nil
	case shown.tokens == 0:
		return finding{}, nil
	}
	digest := sha256.Sum256(unsafe.Slice(unsafe.StringData(shown.raw), len(shown.raw)))
	x.Presented.Key = shown.kept()
	list, err := k.callers.among(func(known *application.Index) []*application.Application { return known.ByKey(&digest) })
	return finding{found: true, applications: list}, err
}
