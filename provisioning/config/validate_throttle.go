package config

import (
	"slices"
	"strings"
	"time"
)

// maxPeriod is longer than any contract; times of counters stay in range.
const maxPeriod = 3 * 366 * 24 * time.Hour

// throttledFor are the words of ThrottleFor.
var throttledFor = []string{"all", "registered", "unregistered"}

// throttle checks the limits of one level.
func (v *checker) throttle(path []any, rules []Throttle, apps []Application) {
	for i := range rules {
		t, item := &rules[i], at(path, i)
		if !isASCII(t.Name) {
			v.add(at(item, "name"), "%q stands in a header field: printable ASCII only", t.Name)
		}
		if t.Requests == 0 {
			v.add(at(item, "requests"), "missing: how many requests there may be")
		}
		v.period(item, t)
		v.throttleBy(item, t)
		v.throttleWhom(item, t, apps)
		v.oneOf(at(item, "missing"), t.Missing, "shared", "ip", "exempt")
		if t.IPv6Prefix > 128 {
			v.add(at(item, "ipv6_prefix"), "an IPv6 address has 128 bits")
		}
		if t.Keys > 10_000_000 {
			v.add(at(item, "keys"), "more than 10000000 counters do not fit")
		}
		v.throttleStore(item, t)
		if a := t.Alert; a != nil {
			v.oneOf(at(item, "alert", "frequency"), a.Frequency, "once", "always")
			v.oneOf(at(item, "alert", "level"), a.Level, "info", "warn", "error")
		}
	}
}

// period checks over which time a limit counts, and how.
func (v *checker) period(item []any, t *Throttle) {
	per := at(item, "per")
	switch {
	case t.Per.IsZero():
		v.add(per, "missing: a duration such as 1m, calendar_week or calendar_month")
	case t.Per.Calendar == "" && t.Per.Span < time.Second:
		v.add(per, "must be at least 1s")
	case t.Per.Span > maxPeriod, t.Per.Count > 36:
		v.add(per, "must be at most 3 years, or 36 calendar weeks or months")
	}
	switch {
	case t.WeekStarts == "":
	case t.Per.Calendar != CalendarWeek:
		v.add(at(item, "week_starts"), "unused: only calendar weeks start on a day")
	default:
		v.oneOf(at(item, "week_starts"), t.WeekStarts, weekdays...)
	}
	v.oneOf(at(item, "algorithm"), t.Algorithm, "window", "smooth")
	switch smooth := t.Algorithm == "smooth"; {
	case smooth && t.Per.Calendar != "":
		v.add(per, "a smooth limit needs a duration: calendars are for windows")
	case smooth && t.Burst == 0:
		v.add(at(item, "burst"), "missing: how many requests may come at once")
	case smooth && float64(t.Burst)*float64(t.Per.Span) > float64(maxPeriod)*float64(max(t.fewest(), 1)):
		v.add(at(item, "burst"), "at this rate it takes years to come to rest")
	case !smooth && t.Burst > 0:
		v.add(at(item, "burst"), "unused: a window takes its requests at once; algorithm: smooth spaces them")
	}
}

// fewest are the requests of whom the least are allowed.
func (t *Throttle) fewest() int {
	fewest := t.Requests
	for _, e := range t.Except {
		if e.Requests > 0 {
			fewest = min(fewest, e.Requests)
		}
	}
	return fewest
}

// throttleBy checks what a limit counts by.
func (v *checker) throttleBy(item []any, t *Throttle) {
	path, usesIP := at(item, "by"), t.Missing == "ip"
	words := []string{"api", "resource", "application", "subject", "ip"}
	for i, by := range t.By {
		kind, name, named := strings.Cut(by, ":")
		usesIP = usesIP || by == "ip"
		switch {
		case slices.Contains(t.By[:i], by):
			v.add(at(path, i), "%q stands twice", by)
		case named && kind == "claim":
			v.claimName(at(path, i), name)
		case named && kind == "header" && !isToken(name):
			v.add(at(path, i), "%q is not a header name", name)
		case named && kind == "header" && len(t.By) == 1:
			v.warn(at(path, i), "callers choose what they send in %s, and so have as many counters as they like: add application or ip", name)
		case named && kind == "header", slices.Contains(words, by):
		default:
			v.add(at(path, i), "%q is not one of api, resource, application, subject, ip, claim:NAME, header:NAME%s", by, DidYouMean(by, words))
		}
	}
	if !usesIP && t.IPv6Prefix != 64 {
		v.add(at(item, "ipv6_prefix"), "unused: nothing counts by ip")
	}
	if t.Missing != "shared" && !slices.ContainsFunc(t.By, mayMiss) {
		v.add(at(item, "missing"), "unused: no request lacks %s", strings.Join(t.By, " and "))
	}
}

// mayMiss reports whether a request may lack what is counted by.
func mayMiss(by string) bool {
	return by == "application" || by == "subject" || strings.Contains(by, ":")
}

// BeforeIdentify reports whether the limit counts before anybody is identified,
// so that it protects credentials from being guessed: it counts by address and
// needs to know nothing else of a caller.
func (t *Throttle) BeforeIdentify() bool {
	return slices.Contains(t.By, "ip") && !slices.ContainsFunc(t.By, mayMiss) && t.Applications.Word == "all" && len(t.Except) == 0
}

// needsCaller reports whether the limit depends on who calls.
func (t *Throttle) needsCaller() bool {
	return t.Applications.Word != "all" || len(t.Except) > 0 ||
		slices.ContainsFunc(t.By, func(by string) bool {
			return by == "application" || by == "subject" || strings.HasPrefix(by, "claim:")
		})
}

// throttleWhom checks whose requests count.
func (v *checker) throttleWhom(item []any, t *Throttle, apps []Application) {
	known := make([]string, 0, 2*len(apps))
	for i := range apps {
		if known = append(known, apps[i].Name); apps[i].ID != apps[i].Name {
			known = append(known, apps[i].ID)
		}
	}
	application := func(path []any, name string) {
		if name == "" {
			v.add(path, "missing: the name or id of an application")
		} else if !slices.Contains(known, name) {
			v.add(path, "no application is named %q%s", name, DidYouMean(name, known))
		}
	}
	if t.Applications.Word != "" {
		v.oneOf(at(item, "applications"), t.Applications.Word, throttledFor...)
	}
	for i, name := range t.Applications.Names {
		application(at(item, "applications", i), name)
	}
	seen := map[string]int{}
	for i, e := range t.Except {
		application(at(item, "except", i), e.Application)
		if first, again := seen[e.Application]; again {
			v.clash(at(item, "except", i), at(item, "except", first), "%q stands twice", e.Application)
		} else {
			seen[e.Application] = i
		}
	}
}
