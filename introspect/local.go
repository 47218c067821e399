package introspect

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/provisioning/config"
)

// server verifies the JWTs of one auth server against its key set. It is
// immutable but for its keys.
type server struct {
	rules    config.AuthServer // as configured; see rulesOf
	methods  map[string]jwt.SigningMethod
	types    []string // media types as mediaType writes them
	expects  expected
	skew     time.Duration
	maxStale time.Duration
	keys     *keySet
}

// rulesOf is the part of an auth server that decides what its tokens say. The
// audience and the subject are judged per request, elsewhere.
func rulesOf(s config.AuthServer) config.AuthServer {
	s.Audience, s.Subject, s.Required = nil, nil, false
	return s
}

func (s *server) sameRules(other config.AuthServer) bool {
	return reflect.DeepEqual(s.rules, rulesOf(other))
}

func (s *server) name() string { return s.rules.Name }

// fresh reports whether the keys may still be believed.
func (s *server) fresh(now time.Time) bool { return s.keys.fresh(now, s.maxStale) }

// usable reports whether a key may be used: the keys are fresh, and the
// certificates of some have begun and not ended.
func (s *server) usable(now time.Time) bool { return s.fresh(now) && s.keys.load().usable(now) }

// verify judges a token that is of this server's issuer: what is cheap first,
// the signature last.
func (s *server) verify(ctx context.Context, t *jws, now time.Time, g *gate) (*Token, *key, error) {
	method := s.methods[t.header.alg]
	if method == nil {
		return nil, nil, fmt.Errorf("%w: %.64q", ErrAlgorithm, t.header.alg)
	}
	if t.header.hasTyp && !slices.Contains(s.types, mediaType(t.header.typ)) {
		return nil, nil, fmt.Errorf("%w: typ %.64q", ErrMalformed, t.header.typ)
	}
	token, err := t.token(now, s.skew)
	if err != nil {
		return nil, nil, err
	}
	if err := s.expects.judge(t, now, s.skew); err != nil {
		return nil, nil, err
	}
	signature, err := segment.DecodeString(t.signature)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: signature: %w", ErrMalformed, err)
	}
	check := check{server: s, method: method, jws: t, signature: signature, gate: g, now: now}
	verified, err := s.findKey(ctx, &check, now)
	if err != nil {
		return nil, nil, err
	}
	token.AuthServer, token.Application = s.name(), verified.application
	return token, verified, nil
}

// findKey returns the key that verifies the signature. If newer keys could
// change the outcome, it looks for them.
func (s *server) findKey(ctx context.Context, c *check, now time.Time) (*key, error) {
	if content := s.keys.load(); !s.usable(now) {
		wait, cancel := context.WithTimeout(ctx, maxWait)
		s.keys.seek(wait, "", content)
		cancel()
		// Keys that were fetched meanwhile are newer than the request's now.
		if !s.usable(now) {
			return nil, fmt.Errorf("%w: auth server %q", ErrUnreachable, s.name())
		}
	}
	content := s.keys.load()
	verified, kid, err := c.run(ctx, content)
	if kid == nil {
		return verified, err
	}
	if *kid != "" {
		s.keys.unknown()
	}
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	// Once more after a fetch that was under way: it may have brought the set
	// from before the key appeared. That may have come back before it was waited for.
	for again, late := 0, true; late && again < 3 && kid != nil; again++ {
		late = s.keys.seek(wait, *kid, content)
		if newer := s.keys.load(); newer != content {
			content = newer
			verified, kid, err = c.run(ctx, newer)
		}
	}
	return verified, err
}

// check is one signature to be checked.
type check struct {
	server    *server
	method    jwt.SigningMethod
	jws       *jws
	signature []byte
	gate      *gate
	now       time.Time
}

// run tries the keys that the token may mean. When it fails and newer keys may
// change that, seek is the kid to look for.
func (c *check) run(ctx context.Context, content *keys) (verified *key, seek *string, err error) {
	candidates, err := content.candidates(&c.jws.header, c.now)
	if err != nil {
		return nil, missingKid(err), err
	}
	if c.server.expects.bestPractice && c.server.versatile(candidates) != nil {
		return nil, nil, fmt.Errorf("%w: key %q may be used with several algorithms, which profile rfc8725 forbids", ErrAlgorithm, candidates[0].id)
	}
	if err := c.gate.enter(ctx); err != nil {
		return nil, nil, err
	}
	defer c.gate.leave()
	for _, k := range candidates {
		if k.fits(c.signature) && c.method.Verify(c.jws.signed, c.signature, k.material()) == nil {
			return k, nil, nil
		}
	}
	if c.jws.header.kid == "" && content.unnamed == nil {
		// Without a kid, a new key shows only by a signature that no known one made.
		seek = new(string)
	}
	return nil, seek, fmt.Errorf("%w: kid %q", ErrSignature, c.jws.header.kid)
}
