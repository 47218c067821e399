// Package authorize lets callers pass whose token holds, and whose user has, what
// is asked for. Who calls has been found out before.
package authorize

import (
	"slices"
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// New builds the policy. profiles are the groups of access profiles, by their
// names. The error is config.Faults with paths relative to cfg.
func New(cfg *config.Authorize, profiles map[string][]string) (exchange.Policy, error) {
	rules, faults := newRules(cfg.Claims)
	if len(faults) > 0 {
		return nil, faults
	}
	scopes, whose := newScopes(cfg.TokenScopes), newWhose(cfg, profiles)
	lacksScope := refusal(append(slices.Clone(scopes.all), scopes.any...))
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			switch {
			case x.Caller.Anonymous && x.Caller.Asks != nil:
				return x.Caller.Asks
			case x.Caller.Anonymous:
				return problem.TokenMissing
			case !scopes.to(&x.Caller):
				x.Reason = "token lacks a scope"
				return refused(x, lacksScope)
			}
			if lacks := whose.lacks(&x.Caller); lacks != "" {
				x.Reason = lacks
				return refused(x, problem.InsufficientScope)
			}
			for i := range rules {
				if !rules[i].Holds(x.Caller.Claims) {
					x.Reason = rules[i].reason
					return refused(x, problem.InsufficientScope)
				}
			}
			return next(x)
		}
	}, nil
}

// refused speaks of tokens only to those who have shown one.
func refused(x *exchange.Exchange, p *problem.Problem) error {
	if by := x.Caller.By; by != "" && by != "token" && x.Caller.Claims == nil {
		return problem.Forbidden
	}
	return p
}

// refusal names the scopes that would do (RFC 6750 3).
func refusal(scopes []string) *problem.Problem {
	p := problem.InsufficientScope.Because(nil)
	if len(scopes) > 0 {
		p.Challenge += `, scope="` + strings.Join(scopes, " ") + `"`
	}
	return p
}

// rule is one comparison of a claim.
type rule struct {
	claim.Rule
	reason string // for the log
}

func newRules(cfg []config.ClaimRule) ([]rule, config.Faults) {
	var faults config.Faults
	rules := make([]rule, len(cfg))
	for i := range cfg {
		compiled, err := claim.NewRule(&cfg[i])
		if err != nil {
			faults = append(faults, config.Fault{Path: []any{"claims", i, "pattern"}, Message: err.Error()})
		}
		rules[i] = rule{compiled, "claim " + cfg[i].Name + " does not hold what is asked for"}
	}
	return rules, faults
}
