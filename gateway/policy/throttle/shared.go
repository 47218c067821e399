package throttle

import (
	"context"
	"fmt"
	"time"

	"postern/gateway/problem"
	"postern/gateway/quota"
	"postern/provisioning/config"
)

// take counts a request where the rule counts. known is false for one that
// passes because nobody can say how many there were.
func (l *limit) take(r *quota.Rule, key []byte) (d quota.Decision, known bool, err error) {
	now := time.Now()
	if l.Store != nil {
		if d, err = l.Store.Take(context.Background(), r, key, now); err == nil {
			return d, true, nil
		}
		l.Counts.Alone.Inc()
		switch l.unavailable {
		case "deny":
			return d, false, problem.LimitsUnavailable.Because(fmt.Errorf("limit %s: ask the store: %w", l.name, err))
		case "allow":
			return quota.Decision{Allowed: true}, false, nil
		}
	}
	if d, err = l.Counters.Take(context.Background(), r, key, now); err != nil {
		return d, false, problem.Internal.Because(err)
	}
	return d, true, nil
}

// meaning is what the counters of a rule mean, as far as Same asks: copies whose
// rules differ in it must not count together.
func meaning(cfg *config.Throttle) string {
	return fmt.Sprintf(" per %s %s by %q %s %s %d", cfg.Per, cfg.WeekStarts, cfg.By, cfg.Algorithm, cfg.Missing, cfg.IPv6Prefix)
}
