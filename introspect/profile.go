package introspect

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"postern/provisioning/config"
)

// The words of profile.
const (
	accessTokens  = "rfc9068" // JWT access tokens of OAuth 2.0
	bestPractices = "rfc8725" // JSON Web Token best current practices
)

// expected is what an auth server asks of its tokens beyond what every token
// must be.
type expected struct {
	accessToken  bool // RFC 9068
	bestPractice bool // RFC 8725
	claims       []string
	lifetime     time.Duration // at most; 0: as long as the token says
}

func expectedOf(l *config.LocalIntrospection) expected {
	e := expected{
		accessToken:  slices.Contains(l.Profile, accessTokens),
		bestPractice: slices.Contains(l.Profile, bestPractices),
		claims:       l.RequiredClaims,
		lifetime:     l.MaxLifetime.Limit(),
	}
	if e.accessToken {
		e.claims = append([]string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}, e.claims...)
	}
	if e.bestPractice {
		e.claims = append([]string{"iss", "aud"}, e.claims...)
	}
	return e
}

// judge says whether a token is what is expected. skew is what clocks may differ.
func (e *expected) judge(t *jws, now time.Time, skew time.Duration) error {
	if (e.accessToken || e.bestPractice) && !t.header.hasTyp {
		return fmt.Errorf("%w: no typ, which the profile demands", ErrMalformed)
	}
	for _, claim := range e.claims {
		if empty(t.claims[claim]) {
			return fmt.Errorf("%w: no %.64s", ErrClaims, claim)
		}
	}
	if e.accessToken {
		if err := t.accessToken(); err != nil {
			return err
		}
	}
	if e.lifetime > 0 {
		return t.within(e.lifetime, now, skew)
	}
	return nil
}

// empty reports whether a claim says nothing: absent, null, or without content.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// accessToken checks the claims of RFC 9068 2.2 that have a form.
func (t *jws) accessToken() error {
	for _, claim := range [...]string{"client_id", "acr", "scope"} {
		if _, err := t.text(claim); err != nil {
			return err
		}
	}
	if when, present := t.claims["auth_time"]; present {
		if _, number := when.(json.Number); !number {
			return fmt.Errorf("%w: auth_time is not a number", ErrClaims)
		}
	}
	if methods, present := t.claims["amr"]; present {
		if _, list := stringList(methods); !list {
			return fmt.Errorf("%w: amr is not a list of strings", ErrClaims)
		}
	}
	return nil
}

// within refuses a token that was made for longer than most: from iat, or from
// now on when it does not say.
func (t *jws) within(most time.Duration, now time.Time, skew time.Duration) error {
	expires, _, err := t.date("exp")
	if err != nil {
		return err
	}
	issued, present, err := t.date("iat")
	if err != nil {
		return err
	}
	if !present {
		issued = now.Add(skew)
	}
	if expires.Sub(issued) > most {
		return fmt.Errorf("%w: lives longer than max_lifetime %s", ErrClaims, most)
	}
	return nil
}

// versatile is a key that several of the allowed algorithms could use. RFC 8725
// 3.1 wants one algorithm for each key.
func (s *server) versatile(list []*key) *key {
	for _, k := range list {
		uses := 0
		for _, alg := range k.algorithms {
			if s.methods[alg] != nil {
				uses++
			}
		}
		if uses > 1 {
			return k
		}
	}
	return nil
}
