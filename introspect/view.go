package introspect

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// view is the auth servers of one API; immutable.
type view struct {
	servers  []*server
	byIssuer map[string]*server
	partners map[string]*partner // issuers of strategies, for those not in byIssuer
	// anyIssuer, if not nil, is the sole server, which takes tokens of any or no
	// issuer.
	anyIssuer *server
	remote    *remote // asked about tokens that nobody here may judge; nil: nobody is
	cache     *cache
	gate      *gate
}

func newView(servers []*server, set *Set) (*view, error) {
	v := &view{
		servers: servers, byIssuer: map[string]*server{}, partners: set.partners,
		cache: set.cache, gate: set.gate,
	}
	for _, s := range servers {
		issuer := s.rules.Issuer
		if issuer.Unchecked {
			if len(servers) > 1 {
				return nil, fmt.Errorf("auth server %q takes any issuer, so it must be the only one", s.name())
			}
			v.anyIssuer = s
			continue
		}
		if other := v.byIssuer[issuer.Value]; other != nil {
			return nil, fmt.Errorf("auth servers %q and %q have the same issuer", other.name(), s.name())
		}
		v.byIssuer[issuer.Value] = s
	}
	return v, nil
}

// Introspect implements Introspector. A cached token costs no allocation and
// no lock.
func (v *view) Introspect(ctx context.Context, raw string, now time.Time) (*Token, error) {
	if v.remote != nil && !looksSigned(raw) {
		return v.remote.Introspect(ctx, raw, now)
	}
	if len(raw) <= maxToken {
		if e := v.cache.find(raw, v, now); e != nil {
			return e.token, nil
		}
	}
	note(ctx)
	t, err := parse(raw)
	if err != nil {
		return nil, err
	}
	s, err := v.serverOf(t)
	if v.remote != nil && errors.Is(err, ErrUnknownIssuer) {
		return v.remote.Introspect(ctx, raw, now)
	}
	if err != nil {
		return nil, err
	}
	token, verified, err := s.verify(ctx, t, now, v.gate)
	if err != nil {
		return nil, err
	}
	v.cache.add(raw, &entry{
		token: token, server: s, key: verified,
		deadline: verified.until(token.Expires.Add(s.skew).UnixNano()), cost: int64(t.cost),
	})
	return token, nil
}

// serverOf picks the auth server by the issuer that the token claims: one of the
// API's, else that of the strategies that state it. Nothing else is believed
// before that server's keys have verified it.
func (v *view) serverOf(t *jws) (*server, error) {
	issuer, err := t.text("iss")
	if err != nil {
		return nil, err
	}
	if s := v.byIssuer[issuer]; s != nil {
		return s, nil
	}
	if p := v.partners[issuer]; p != nil {
		return p.server, nil
	}
	if v.anyIssuer != nil {
		return v.anyIssuer, nil
	}
	return nil, fmt.Errorf("%w: %.256q", ErrUnknownIssuer, issuer)
}

// vouches reports whether a token that s has verified is one for this view. An
// answer of an authorization server, where s is nil, is kept apart for it.
func (v *view) vouches(s *server) bool {
	if s == nil {
		return true
	}
	for _, one := range v.servers {
		if one == s {
			return true
		}
	}
	issuer := s.rules.Issuer.Value
	p := v.partners[issuer]
	return p != nil && p.server == s && v.byIssuer[issuer] == nil
}
