// Package identify finds out who calls, from what a request presents. What a
// token says comes from introspect; whether it speaks to this API, and for
// which application, and what of it the upstream learns, is judged here for each
// request.
//
// Policies stand at several levels. Each level that says who may call has a
// policy of its own (New), all of which must be content; what they have found
// out is gathered in Exchange.Caller. After the last one, Conceal takes off the
// credentials and shows the upstream who calls.
//
// way.go says what a way to identify is; level.go combines those of a level.
package identify

import (
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/hostname"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/introspect"
	"postern/provisioning/config"
)

// Believed is whose tokens an API accepts.
type Believed struct {
	Tokens  introspect.Introspector       // nil: nobody's
	Servers map[string]*config.AuthServer // by name
	Users   map[string]*config.User       // by name
	// Proofs judges what holders of bound tokens show, Denylist tokens that may
	// have been revoked; without one it is nil.
	Proofs   *introspect.Proofs
	Denylist *introspect.Denylist
}

// Known are the applications that an API knows.
type Known struct {
	Registered *application.Index
	All        *application.Index
}

// Rules are what one level of an API asks of its callers.
type Rules struct {
	API       *config.API
	Identify  *config.Identify
	Believed  Believed
	Passwords Passwords
	Known     Known
	// Hostnames and Bodies are for the ways of these names.
	Hostnames *hostname.Resolver
	Bodies    *message.Bodies
}

// New builds the policy of one level: it fills in x.Caller, or says why not.
// Conceal comes after those of all levels.
func New(r Rules, m *metrics.Instruments) exchange.Policy {
	l := newLevel(&site{
		api: r.API, cfg: r.Identify, believed: r.Believed, passwords: r.Passwords, callers: callers{r.Known, r.Identify.Applications}, metrics: m,
		names: r.Hostnames, bodies: r.Bodies,
	})
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			if err := l.noted(x); err != nil {
				return err
			}
			return next(x)
		}
	}
}

// Conceal builds the policy that takes off what callers have presented at any of
// these levels, and sets the fields that show who calls. Of a field that several
// levels set, the last one's counts. What forward, a word of config.Outbound,
// names is left for the upstream; "": nothing. Fields in shown, which other levels
// of the API set, are taken off too: what an upstream reads there must never be
// its caller's own word.
func Conceal(forward string, shown []string, levels ...*config.Identify) exchange.Policy {
	kept := newForwarded(forward, levels)
	var conceal []func(*exchange.Exchange)
	var headers []header
	for _, cfg := range levels {
		for _, k := range wanted(cfg.By) {
			if k.conceal != nil && !(kept != nil && kept.token && k.name == tokenWay) {
				conceal = append(conceal, k.conceal(cfg))
			}
		}
		headers = append(headers, newHeaders(cfg)...)
	}
	shown = slices.DeleteFunc(slices.Clone(shown), func(name string) bool { // setting one takes it off
		return slices.ContainsFunc(headers, func(h header) bool { return strings.EqualFold(h.name, name) })
	})
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error {
			x.Presented.Authorization = x.Head.Get(fasthttp.HeaderAuthorization)
			var left []byte
			if kept != nil {
				left = kept.find(x)
			}
			for _, f := range conceal {
				f(x)
			}
			if kept != nil {
				kept.settle(x, left)
			}
			for _, name := range shown {
				x.Head.Del(name)
			}
			for i := range headers {
				headers[i].set(x)
			}
			return next(x)
		}
	}
}
