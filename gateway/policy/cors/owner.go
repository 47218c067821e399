package cors

import (
	"slices"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// NewOwned builds the rule that follows identification: an origin that only
// applications name may be used by these only. It is nil when there are none.
// The error is config.Faults with paths relative to cfg.
func NewOwned(cfg *config.CORS, owners Owners) (exchange.Policy, error) {
	named, err := newOrigins(cfg.Origins)
	if err != nil || len(owners) == 0 || named.any {
		return nil, err
	}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			origin, fields := asked(x)
			if fields == 0 || named.hold(origin) || same(x, origin) || slices.Contains(owners[string(origin)], x.Caller.Application.Name) {
				return next(x)
			}
			x.Reason = "origin is another application's"
			return problem.OriginNotAllowed
		}
	}, nil
}
