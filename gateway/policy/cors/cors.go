// Package cors lets pages of other origins use an API from a browser, and no
// others: the CORS protocol of Fetch (fetch.spec.whatwg.org). What a policy says
// is compiled at load.
package cors

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// Owners are the applications that have pages of an origin, by that origin.
type Owners map[string][]string

// OwnersFor are those of the applications that are registered for an API.
func OwnersFor(api *config.API, applications []config.Application) Owners {
	owners := Owners{}
	for i := range applications {
		a := &applications[i]
		if a.Suspended || !a.RegisteredFor(api) {
			continue
		}
		for _, origin := range a.Origins {
			owners[origin] = append(owners[origin], a.Name)
		}
	}
	return owners
}

// rules are a policy, compiled.
type rules struct {
	origins     origins
	owners      Owners
	methods     []string // nil: all
	headers     fields
	everybody   bool // all origins may, which an answer says without naming one
	credentials bool
	expose      string
	listed      string // methods, as fields list them
	maxAge      string

	method, header *problem.Problem
}

// New builds the policy; owners are the applications whose origins may call too.
// The error is config.Faults with paths relative to cfg.
func New(cfg *config.CORS, owners Owners) (exchange.Policy, error) {
	r, err := newRules(cfg, owners)
	if err != nil {
		return nil, err
	}
	return r.policy, nil
}

// Readable builds what lets pages read an answer that is given before there is a
// chain, such as 404. The error is that of New.
func Readable(cfg *config.CORS, owners Owners) (func(*exchange.Exchange), error) {
	r, err := newRules(cfg, owners)
	if err != nil {
		return nil, err
	}
	return func(x *exchange.Exchange) {
		origin, fields := asked(x)
		r.mark(x)
		if fields == 1 && r.mayCall(origin) && requested(x) == nil {
			r.permit(x, origin)
		}
	}, nil
}

func newRules(cfg *config.CORS, owners Owners) (*rules, error) {
	named, err := newOrigins(cfg.Origins)
	if err != nil {
		return nil, err
	}
	r := &rules{
		origins: named, owners: owners, headers: newFields(cfg.Headers),
		everybody: named.any && !cfg.Credentials, credentials: cfg.Credentials,
		expose: strings.Join(cfg.ExposeHeaders, ", "),
		header: problem.HeaderNotAllowed, method: problem.MethodNotAllowed.Because(nil),
	}
	if len(cfg.Methods) > 0 {
		r.methods = slices.Clone(cfg.Methods)
		if slices.Contains(r.methods, "GET") && !slices.Contains(r.methods, "HEAD") {
			r.methods = append(r.methods, "HEAD")
		}
		r.listed = strings.Join(r.methods, ", ")
		r.method.Allow, r.method.Detail = r.listed, "pages of other origins may not use this method"
	}
	if cfg.MaxAge > 0 {
		r.maxAge = strconv.FormatInt(int64(cfg.MaxAge.Limit()/time.Second), 10)
	}
	return r, nil
}

func (r *rules) policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		origin, fields := asked(x)
		if fields == 0 || fields == 1 && same(x, origin) {
			err := next(x)
			r.mark(x)
			return err
		}
		if fields > 1 || !r.mayCall(origin) {
			x.Reason = "origin is not allowed"
			r.mark(x)
			return problem.OriginNotAllowed
		}
		if method := requested(x); method != nil {
			return r.preflight(x, origin, method)
		}
		if !r.allowsMethod(x.HTTP.Method()) {
			r.mark(x)
			return r.method
		}
		err := next(x)
		r.mark(x)
		if !errors.Is(err, problem.OriginNotAllowed) {
			r.permit(x, origin)
			if r.expose != "" {
				x.Fields.Add("Access-Control-Expose-Headers", r.expose)
			}
		}
		return err
	}
}

func (r *rules) mayCall(origin []byte) bool {
	return r.origins.hold(origin) || r.owners[string(origin)] != nil
}

func (r *rules) allowsMethod(method []byte) bool {
	return r.methods == nil || slices.ContainsFunc(r.methods, func(m string) bool { return m == string(method) })
}

// mark makes the answer this policy's: what the upstream says of origins goes,
// and caches learn on what the answer depends.
func (r *rules) mark(x *exchange.Exchange) {
	if x.Answer.Status != 0 {
		x.Answer.Head.DelPrefix("Access-Control-")
	}
	if !r.everybody {
		x.Fields.Add("Vary", "Origin")
	}
}

// permit lets pages of the origin read the answer.
func (r *rules) permit(x *exchange.Exchange, origin []byte) {
	if r.everybody {
		x.Fields.Add("Access-Control-Allow-Origin", config.Wildcard)
		return
	}
	x.Fields.AddBytes("Access-Control-Allow-Origin", origin)
	if r.credentials {
		x.Fields.Add("Access-Control-Allow-Credentials", "true")
	}
}
