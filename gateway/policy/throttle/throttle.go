// Package throttle refuses requests of which there have been too many.
package throttle

import (
	"fmt"
	"slices"
	"strconv"

	"postern/gateway/exchange"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/gateway/quota"
	"postern/gateway/store"
	"postern/provisioning/config"
)

// Options are what a limit needs beside its rule.
type Options struct {
	// API is whose requests pass here, among these applications.
	API          *config.API
	Applications []config.Application
	Counters     *quota.Local // shared by all chains in which the rule stands
	Store        *store.Store // in which copies count together; nil: this one counts by itself
	ID           string       // of the rule, among all of the gateway
	Counts       *Counts
	// Alert tells the operator of a refused request, as often as the rule says.
	Alert func(x *exchange.Exchange, d quota.Decision)
}

// Counts is what became of requests. Alone are those that were judged without
// the store, which was away.
type Counts struct{ Refused, Alerts, Alone metrics.Counter }

// New builds the policy of one rule.
func New(cfg *config.Throttle, o Options) exchange.Policy {
	l := &limit{
		Options: o, keys: newKeys(cfg), whom: newWhom(cfg, o), fields: *cfg.Headers,
		name: cfg.Name, unavailable: cfg.OnUnavailable,
		alert: cfg.Alert != nil, always: cfg.Alert != nil && cfg.Alert.Frequency == "always",
	}
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if err := l.pass(x); err != nil {
				return err
			}
			return next(x)
		}
	}
}

// Same reports whether the counters of a rule mean the same after it has become
// another. How many requests there may be, and whose count, does not matter.
func Same(a, b *config.Throttle) bool {
	return a.Per == b.Per && a.WeekStarts == b.WeekStarts && a.Algorithm == b.Algorithm && slices.Equal(a.By, b.By) &&
		a.Missing == b.Missing && a.IPv6Prefix == b.IPv6Prefix && a.Keys == b.Keys && a.Store == b.Store
}

type limit struct {
	Options
	keys          keys
	whom          whom
	fields        bool
	name          string
	unavailable   string // see config.Throttle.OnUnavailable
	alert, always bool
}

// pass counts a request, or says that there were too many.
func (l *limit) pass(x *exchange.Exchange) error {
	q, own := l.whom.quota(&x.Caller.Application)
	if q == nil {
		return nil
	}
	var buffer [keyRoom]byte
	key, counted := l.keys.append(buffer[:0], x, own)
	if !counted {
		return nil
	}
	d, known, err := l.take(&q.rule, key)
	if err != nil {
		return err
	}
	if l.fields && known {
		q.announce(x, &d)
	}
	if d.Allowed {
		return nil
	}
	return l.refuse(x, q, d)
}

func (l *limit) refuse(x *exchange.Exchange, q *allowance, d quota.Decision) error {
	l.Counts.Refused.Inc()
	if l.alert && (d.First || l.always) {
		l.Counts.Alerts.Inc()
		l.Alert(x, d)
	}
	var seconds [20]byte
	x.Fields.SetBytes("Retry-After", strconv.AppendInt(seconds[:0], wholeSeconds(d.RetryAfter), 10))
	x.Reason = q.reason
	return q.refusal
}

// allowance is how much is allowed to whom it is for.
type allowance struct {
	rule    quota.Rule
	policy  []byte // what RateLimit-Policy says of it
	name    []byte // as structured fields have it
	refusal *problem.Problem
	reason  string // for the log
}

func newAllowance(cfg *config.Throttle, id string, requests int) *allowance {
	a := &allowance{
		rule: quota.Rule{
			ID: id + meaning(cfg), Requests: int64(requests), Per: cfg.Per, Week: cfg.Weekday(),
			Smooth: cfg.Algorithm == "smooth", Burst: int64(cfg.Burst),
		},
		name:   appendString(nil, cfg.Name),
		reason: "limit " + cfg.Name + " is reached",
	}
	a.policy = a.appendPolicy(nil)
	a.refusal = problem.TooManyRequests.Because(nil)
	a.refusal.Detail = fmt.Sprintf("at most %d requests per %s", requests, cfg.Per)
	if requests == 1 {
		a.refusal.Detail = fmt.Sprintf("at most one request per %s", cfg.Per)
	}
	return a
}
