package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// sameTargets reports an address that stands twice: a weight says that better.
func (v *checker) sameTargets(path []any, targets []Target) {
	for i, t := range targets {
		same := func(other Target) bool { return strings.TrimSuffix(other.URL, "/") == strings.TrimSuffix(t.URL, "/") }
		if first := slices.IndexFunc(targets[:i], same); first >= 0 && t.URL != "" {
			v.clash(at(path, i, "url"), at(path, first, "url"), "the same target twice: give it a weight")
		}
	}
}

// hashes are the prefixes of what a hash may be taken of by name.
var hashes = []string{"header:", "cookie:", "claim:"}

func (v *checker) balance(path []any, b Balance) {
	if b.Method != ByHash {
		v.oneOf(path, b.Method, RoundRobin, LeastPending, RandomTwo)
		return
	}
	v.hashedBy(at(path, "hash", "by"), b.By)
}

// hashedBy checks what a hash is taken of.
func (v *checker) hashedBy(path []any, by string) {
	kind, name, named := strings.Cut(by, ":")
	switch {
	case by == "ip":
	case !named || !slices.Contains(hashes, kind+":"):
		v.add(path, "%q is not one of ip, header:NAME, cookie:NAME or claim:NAME%s", by, DidYouMean(by, []string{"ip"}))
	case kind == "claim":
		v.claimName(path, name)
	case !isToken(name):
		v.add(path, "%q is not the name of a %s", name, kind)
	}
}

func (v *checker) hashOfClaim(path []any, b Balance, tokens bool) {
	if b.Method == ByHash && strings.HasPrefix(b.By, "claim:") && !tokens {
		v.warn(path, "unused: without policies.identify by jwt or opaque there is no token, and requests take turns")
	}
}

// failing checks what is done about targets that fail, and about too many
// requests.
func (v *checker) failing(path []any, u Upstream) {
	v.notTooOften(at(path, "resolve"), u.Resolve)
	v.notTooOften(at(path, "keep_idle"), u.KeepIdle)
	if u.Queue != nil && u.MaxPending == 0 {
		v.add(at(path, "queue"), "needs max_pending: without it nothing waits")
	}
	if h := u.Health; h != nil {
		v.health(at(path, "health"), h)
	}
	if e := u.Ejection; e != nil && !e.None {
		v.ejection(at(path, "ejection"), e, len(u.Targets))
	}
	if r := u.Retry; r != nil {
		v.triggers(at(path, "retry", "on"), r.On)
		v.retry(at(path, "retry"), r)
		if u.Timeout != None && r.TryTimeout != None && r.TryTimeout >= u.Timeout {
			v.warn(at(path, "retry", "try_timeout"), "unused: timeout, %v, is over first", time.Duration(u.Timeout))
		}
	}
	if u.MaxConnections > 0 && u.MaxIdle >= u.MaxConnections {
		v.warn(at(path, "max_idle"), "unused: max_connections is reached first")
	}
	if u.SlowStart != None && len(u.Targets) == 1 {
		v.warn(at(path, "slow_start"), "unused: there is one target, which takes all")
	}
}

// shortest is the least time between two looks at something.
const shortest = Duration(10 * time.Millisecond)

func (v *checker) notTooOften(path []any, d Duration) {
	if d < shortest {
		v.add(path, "must be at least %v", time.Duration(shortest))
	}
}

func (v *checker) health(path []any, h *Health) {
	v.notTooOften(at(path, "interval"), h.Interval)
	if h.Path == "" {
		v.add(at(path, "path"), "missing: say what is asked for, such as /healthz")
	} else if !validCheckPath(h.Path) {
		v.add(at(path, "path"), "%q is not a path such as /healthz", h.Path)
	}
	for i, status := range h.Status {
		if status < 200 || status > 599 {
			v.add(at(path, "status", i), "%d is not a status from 200 to 599", status)
		}
	}
}

// validCheckPath reports whether s can stand in a request line.
func validCheckPath(s string) bool {
	return s[0] == '/' && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' })
}

func (v *checker) ejection(path []any, e *Ejection, targets int) {
	v.triggers(at(path, "on"), e.On)
	if e.Max < e.Base {
		v.add(at(path, "max"), "is shorter than base")
	}
	if targets == 1 {
		v.warn(path, "unused: the only target always stays in turn")
	}
}

// maxAttempts bounds what one request may cost.
const maxAttempts = 10

func (v *checker) retry(path []any, r *Retry) {
	if r.Attempts < 2 || r.Attempts > maxAttempts {
		v.add(at(path, "attempts"), "must lie between 2 and %d: the first is one of them", maxAttempts)
	}
	if slices.Contains(r.On, "timeout") && r.TryTimeout == None {
		v.warn(at(path, "on"), "timeout needs try_timeout: without it no time is left for another attempt")
	}
}

// triggers checks which failures are meant.
func (v *checker) triggers(path []any, on []string) {
	for i, word := range on {
		status, err := strconv.Atoi(word)
		if err == nil && (status < 500 || status > 599) {
			v.add(at(path, i), "%d is not a status from 500 to 599", status)
		}
		if err != nil && !slices.Contains(Triggers(), word) {
			v.add(at(path, i), "%q is not one of connect, reset, timeout or a status such as 503%s", word, DidYouMean(word, Triggers()))
		}
	}
}
