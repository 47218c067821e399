package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxRules bounds what a request is compared with, and the upstreams there are.
const maxRules = 100

// route checks the rules of one level.
func (v *checker) route(c *Config, l Level) {
	r, path := l.Policies.Route, l.At("route")
	if r == nil {
		return
	}
	if len(r.Rules) == 0 {
		v.add(at(path, "rules"), "missing: say which requests go where")
	}
	if len(r.Rules) > maxRules {
		v.add(at(path, "rules", maxRules), "more than %d rules", maxRules)
	}
	for i := range r.Rules {
		rule, item := &r.Rules[i], at(path, "rules", i)
		v.routeRule(item, rule, c.knowsTokens(l))
		rule.Conditions(func(one *RouteCondition, below ...any) { v.routeCondition(at(item, below...), one, c.Applications) })
		if i > 0 && r.Rules[i-1].When == nil {
			v.clash(item, at(path, "rules", i-1), "no request gets here: the rule before takes all")
			break
		}
	}
}

// knowsTokens reports whether some API that meets a level knows its callers by
// tokens.
func (c *Config) knowsTokens(l Level) bool {
	for i := range c.APIs {
		meets := slices.ContainsFunc(c.apiLevels(i), func(one Level) bool { return one.Policies == l.Policies })
		if meets && c.TokenRules(i) != nil {
			return true
		}
	}
	return false
}

func (v *checker) routeRule(item []any, r *RouteRule, tokens bool) {
	if r.Name == "" {
		v.add(at(item, "name"), "missing")
	}
	if !isPrintable(r.Name) {
		v.add(at(item, "name"), "%q is not printable text", r.Name)
	}
	if w := r.When; w != nil && len(w.All)+len(w.Any)+len(w.Not) == 0 {
		v.add(at(item, "when"), "empty: state all, any or none; a rule without when takes every request")
	}
	if u := r.Upstream; u != nil {
		v.upstream(at(item, "upstream"), *u)
		v.upgrade(at(item, "upstream", "upgrade"), u.Upgrade, tokens)
		v.hashOfClaim(at(item, "upstream", "balance", "hash", "by"), u.Balance, tokens)
	}
	if r.Method != "" {
		v.method(at(item, "method"), r.Method)
	}
	if r.Method == "HEAD" {
		v.add(at(item, "method"), "HEAD has answers without a body, which other methods' callers wait for")
	}
	v.oneOf(at(item, "path"), r.Path, "forward", "drop")
	v.oneOf(at(item, "query"), r.Query, "forward", "drop")
	for _, h := range r.Headers {
		v.routeHeader(at(item, "headers", h.Name), h)
	}
	for _, p := range r.SetQuery {
		v.noSecret(at(item, "set_query", p.Name), p)
		if p.Name == "" {
			v.add(at(item, "set_query", p.Name), "is no name of a parameter")
		}
	}
}

// routeHeader is as strict as transform, and leaves credentials to outbound.
func (v *checker) routeHeader(path []any, h Setting) {
	v.changedHeader(path, h.Name)
	if v.noSecret(path, h) {
		return
	}
	if strings.EqualFold(h.Name, "Authorization") {
		v.add(path, "credentials of the gateway belong in policies.outbound")
	}
	if h.Text == "" || !isPrintable(h.Text) || strings.Trim(h.Text, " \t") != h.Text {
		v.add(path, "is empty, holds a control character, or white space at an end")
	}
}

// noSecret reports one: what rules say is shown to operators.
func (v *checker) noSecret(path []any, s Setting) (secret bool) {
	if secret = !s.Secret.IsZero(); secret {
		v.add(path, "secrets belong in policies.outbound, or in policies.transform")
	}
	return secret
}

// stated are the keys of a condition.
func (c *RouteCondition) stated() (keys []string) {
	for _, k := range []struct {
		key string
		is  bool
	}{
		{"application", c.Application != nil},
		{"user", c.User != nil},
		{"claim", c.Claim != nil},
		{"method", c.Method != nil},
		{"header", c.Header != nil},
		{"query", c.Query != nil},
		{"address", c.Address != nil},
		{"date", c.Date != nil},
		{"time", c.Time != nil},
		{"payload", c.Payload != nil},
		{"share", c.Share != nil},
	} {
		if k.is {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// needsCaller reports whether the condition fits nobody who is not identified.
func (c *RouteCondition) needsCaller() bool {
	return c.Application != nil || c.User != nil || c.Claim != nil || c.Share != nil && strings.HasPrefix(c.Share.By, "claim:")
}

func (v *checker) routeCondition(path []any, c *RouteCondition, apps []Application) {
	if n := len(c.stated()); n != 1 {
		v.add(path, "state exactly one of application, user, claim, method, header, query, address, date, time, payload, share")
	}
	for i, name := range c.Application {
		v.knownApplication(at(path, "application", i), name, apps)
	}
	if c.Claim != nil {
		v.claimRule(at(path, "claim"), *c.Claim)
	}
	for i, method := range c.Method {
		v.method(at(path, "method", i), method)
	}
	if c.Header != nil {
		v.fieldRule(at(path, "header"), c.Header)
		if !isToken(c.Header.Name) && c.Header.Name != "" {
			v.add(at(path, "header", "name"), "%q is not a header name", c.Header.Name)
		}
	}
	if c.Query != nil {
		v.fieldRule(at(path, "query"), c.Query)
	}
	if c.Date != nil {
		v.dateRule(at(path, "date"), c.Date)
	}
	if c.Time != nil {
		v.timeRule(at(path, "time"), c.Time)
	}
	if c.Payload != nil {
		v.payloadRule(at(path, "payload"), c.Payload)
	}
	if c.Share != nil {
		v.share(at(path, "share"), c.Share)
	}
}

func (v *checker) knownApplication(path []any, name string, apps []Application) {
	known := make([]string, 0, 2*len(apps))
	for i := range apps {
		known = append(known, apps[i].Name, apps[i].ID)
	}
	if !slices.Contains(known, name) {
		v.add(path, "there is no application %q%s", name, DidYouMean(name, known))
	}
}

func (v *checker) fieldRule(path []any, f *FieldRule) {
	if f.Name == "" {
		v.add(at(path, "name"), "missing")
	}
	stated := 0
	for _, is := range []bool{f.Equals != nil, f.EqualsIgnoreCase != nil, f.Contains != "", f.OneOf != nil, f.Pattern != ""} {
		if is {
			stated++
		}
	}
	if stated > 1 {
		v.add(path, "state at most one of equals, equals_ignore_case, contains, one_of, pattern")
	}
	if _, err := regexp.Compile(f.Pattern); err != nil {
		v.add(at(path, "pattern"), "%v", err)
	}
}

// ParseMoment reads a day, which has an end, or a moment, which is its own end.
func ParseMoment(text string) (begin, end time.Time, err error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, day.AddDate(0, 0, 1), nil
	}
	begin, err = time.Parse(time.RFC3339, text)
	return begin, begin, err
}

func (v *checker) dateRule(path []any, d *DateRule) {
	if d.Before == "" && d.After == "" && d.On == "" {
		v.add(path, "state before, after or on")
	}
	for _, m := range []struct{ key, text string }{{"before", d.Before}, {"after", d.After}} {
		if _, _, err := ParseMoment(m.text); m.text != "" && err != nil {
			v.add(at(path, m.key), "%q is neither a day such as 2026-01-31 nor a moment such as 2026-01-31T12:00:00Z", m.text)
		}
	}
	if _, err := time.Parse(time.DateOnly, d.On); d.On != "" && err != nil {
		v.add(at(path, "on"), "%q is not a day such as 2026-01-31", d.On)
	}
	before, _, err := ParseMoment(d.Before)
	if _, after, also := ParseMoment(d.After); err == nil && also == nil && !after.Before(before) {
		v.clash(at(path, "before"), at(path, "after"), "no moment is before this and after that")
	}
}

// ParseClock reads a time of day as what has gone of the day.
func ParseClock(text string) (time.Duration, error) {
	clock, err := time.Parse("15:04:05", text)
	if err != nil {
		clock, err = time.Parse("15:04", text)
	}
	return time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute + time.Duration(clock.Second())*time.Second, err
}

func (v *checker) timeRule(path []any, t *TimeRule) {
	for _, c := range []struct{ key, text string }{{"from", t.From}, {"until", t.Until}} {
		if c.text == "" {
			v.add(at(path, c.key), "missing: a time of day such as 17:30")
		} else if _, err := ParseClock(c.text); err != nil {
			v.add(at(path, c.key), "%q is not a time of day such as 17:30", c.text)
		}
	}
	if t.From == t.Until && t.From != "" {
		v.add(path, "from and until are the same")
	}
}

func (v *checker) share(path []any, s *Share) {
	if s.Part == 0 {
		v.add(at(path, "part"), "missing: the part of the requests, such as 0.05")
	}
	if s.By != "" {
		v.hashedBy(at(path, "by"), s.By)
	}
}

// routeNobody reports conditions on callers where nobody is identified.
func (v *checker) routeNobody(l Level) {
	if l.Policies.Route == nil {
		return
	}
	for i := range l.Policies.Route.Rules {
		l.Policies.Route.Rules[i].Conditions(func(c *RouteCondition, below ...any) {
			if c.needsCaller() {
				v.add(at(l.At("route", "rules", i), below...), "identify: none leaves nobody to tell apart")
			}
		})
	}
}
