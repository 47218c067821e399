package identify

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"postern/gateway/application"
	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// level is what one place asks of callers.
type level struct {
	ways      []member
	and       bool   // all ways must find the same application; otherwise one is enough
	anonymous bool   // who presents nothing passes
	want      string // registered, all or none

	missing, invalid *problem.Problem
}

// member is a way of a level.
type member struct {
	way
	name       string
	credential bool
	others     string    // the challenges of the level's other ways
	outcomes   *outcomes // nil: the way counts by itself
}

// Reasons of combining.
var (
	errSeveral  = errors.New("several applications are known by it")
	errUnknown  = errors.New("no application is known by it")
	errNothing  = errors.New("nothing is presented")
	errDiffer   = errors.New("what is presented speaks for different applications")
	errTwoUsers = errors.New("what is presented is of different users")
)

func newLevel(s *site) *level {
	l := &level{and: s.cfg.Combine == "and", anonymous: s.cfg.Anonymous, want: s.cfg.Applications}
	for _, k := range wanted(s.cfg.By) {
		m := member{way: k.make(s), name: k.name, credential: k.credential}
		if k.name != tokenWay {
			m.outcomes = newOutcomes(s.metrics, k.name)
		}
		l.ways = append(l.ways, m)
	}
	l.challenges()
	return l
}

// challenges writes what callers must know to do better: each refusal names all
// ways of the level (RFC 9110 15.5.2).
func (l *level) challenges() {
	all := ""
	for i := range l.ways {
		all = joined(all, l.ways[i].challenge())
		for j := range l.ways {
			if i != j {
				l.ways[i].others = joined(l.ways[i].others, l.ways[j].challenge())
			}
		}
	}
	if all == "" {
		all = problem.OtherChallenge
	}
	l.missing, l.invalid = challenging(problem.Unidentified, all), challenging(problem.InvalidCredential, all)
	if len(l.ways) == 1 && l.ways[0].name == tokenWay {
		l.missing, l.invalid = challenging(problem.TokenMissing, all), challenging(problem.InvalidToken, all)
	}
}

// identify fills in x.Caller, or says why not.
func (l *level) identify(ctx context.Context, x *exchange.Exchange) error {
	var all finding
	presented, missing := false, false
	for i := range l.ways {
		m := &l.ways[i]
		if !m.credential && (l.and && missing || !l.and && all.found) {
			break
		}
		one, err := m.identify(ctx, x)
		if err == nil {
			err = l.combine(&all, &one, m)
		}
		if err != nil {
			return l.refuse(x, m, err)
		}
		presented = presented || one.stray || one.found && m.credential
		missing = missing || !one.found
	}
	switch {
	case all.found && !(l.and && missing):
		return l.settle(x, &all)
	case all.nobodys != nil:
		return l.refuse(x, l.member(all.by), all.nobodys)
	case l.anonymous && !presented:
		if x.Caller.By == "" {
			x.Caller.Anonymous, x.Caller.Asks = true, l.missing
		}
		return nil
	case all.why != nil:
		x.Reason = all.whose + ": " + all.why.Error()
	}
	return l.missing
}

// member is the way of a name, which is one of the level's.
func (l *level) member(name string) *member {
	return &l.ways[slices.IndexFunc(l.ways, func(m member) bool { return m.name == name })]
}

// combine adds what a way has found to what others have.
func (l *level) combine(all, one *finding, m *member) error {
	if !one.found {
		if all.why == nil && (one.why != nil || l.and) {
			all.whose, all.why = m.name, cmp.Or(one.why, errNothing)
		}
		if l.and {
			return one.nobodys
		}
		if one.nobodys != nil && !all.found {
			all.nobodys, all.by = one.nobodys, m.name
		}
		return nil
	}
	if !l.and {
		if err := l.one(one); err != nil {
			return err
		}
	}
	if m.outcomes != nil {
		m.outcomes.accepted.Inc()
	}
	switch {
	case !all.found:
		*all = *one
		all.by = m.name
		return nil
	case !l.and:
		return nil // the first one counts
	}
	if all.applications = shared(all.applications, one.applications); all.applications == nil && one.applications != nil {
		return errDiffer
	}
	if all.user != nil && one.user != nil && all.user.Name != one.user.Name {
		return errTwoUsers
	}
	if all.token == nil {
		all.token = one.token
	}
	if all.user == nil {
		all.user = one.user
	}
	return nil
}

// shared are the applications that two ways have both found. One that found none
// did not need any.
func shared(a, b []*application.Application) []*application.Application {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0 || len(a) == 1 && slices.Contains(b, a[0]):
		return a
	}
	var both []*application.Application
	for _, one := range a {
		if slices.Contains(b, one) {
			both = append(both, one)
		}
	}
	return both
}

// one makes sure that the caller speaks for one application, where it must.
func (l *level) one(f *finding) error {
	switch {
	case len(f.applications) > 1 && (l.want != "none" || f.token == nil && f.user == nil):
		return errSeveral
	case len(f.applications) == 0 && l.want != "none":
		return errUnknown
	}
	return nil
}

// settle adds what this level has found out to what those before it have.
func (l *level) settle(x *exchange.Exchange, f *finding) error {
	if l.and {
		if err := l.one(f); err != nil {
			return l.refuse(x, &l.ways[0], err)
		}
	}
	if err := gather(&x.Caller, f); err != nil {
		return l.refuse(x, &l.ways[0], err)
	}
	return nil
}

// gather adds to what is known of a caller. What a level before has found out
// stands, and must not be contradicted.
func gather(c *exchange.Caller, f *finding) error {
	if len(f.applications) == 1 {
		found := exchange.Application{Name: f.applications[0].Name, ID: f.applications[0].ID}
		if c.Application != found && c.Application != (exchange.Application{}) {
			return errDiffer
		}
		c.Application = found
	}
	if f.user != nil {
		if c.User != "" && c.User != f.user.Name {
			return errTwoUsers
		}
		c.User, c.Groups = f.user.Name, f.user.Groups
	}
	if t := f.token; t != nil && c.Claims != nil && (t.Issuer != c.Issuer || t.Subject != c.Subject) {
		return errTwoUsers // whose scopes and claims would count is a guess
	}
	if t := f.token; t != nil && c.Claims == nil {
		c.Subject, c.Issuer, c.Scopes, c.Claims, c.Expires = t.Subject, t.Issuer, t.Scopes, t.Claims, t.Until
	}
	if c.Subject == "" {
		c.Subject = c.User
	}
	if c.By == "" {
		c.By = f.by
	}
	c.Anonymous, c.Asks = false, nil
	return nil
}

// refuse says as much of a credential as a stranger may know.
func (l *level) refuse(x *exchange.Exchange, m *member, err error) error {
	if m.outcomes != nil {
		m.outcomes.of(err).Inc()
	}
	p, told := err.(*problem.Problem) // one that is wrapped is not told
	if !told {
		x.Reason = m.name + ": " + err.Error()
		return l.invalid
	}
	if p.Status != 401 || m.others == "" {
		return p
	}
	return challenging(p, joined(p.Challenge, m.others))
}
