package cache

import (
	"bytes"
	"net/http"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// life is how long an answer is fresh, and how old it was when it came.
type life struct {
	fresh, age time.Duration
	came       time.Time
}

// left is how long the answer is fresh from now on; not above zero: it is stale.
func (l *life) left(now time.Time) time.Duration { return l.fresh - l.aged(now) }

// aged is how old the answer is now (RFC 9111 4.2.3).
func (l *life) aged(now time.Time) time.Duration { return l.age + max(now.Sub(l.came), 0) }

// may says whether answers with this status are kept: those that are whole, final
// and say the same to everybody who may ask.
func (c *policy) may(status int) bool {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent:
		return true
	case http.StatusMultipleChoices, http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusNotFound, http.StatusGone:
		return !c.fixed
	}
	return false
}

// judge says for how long an answer may be kept, if it may (RFC 9111 3).
func (c *policy) judge(x *exchange.Exchange, l *look) (life, bool) {
	a := &x.Answer
	said := readControl(&a.Head)
	born := life{age: l.asked.age(&a.Head), came: l.asked.now}
	if !c.may(a.Status) || said.noStore || said.private || a.Head.Get("Set-Cookie") != nil || a.Head.Get("Content-Range") != nil || everChanging(&a.Head) {
		return born, false
	}
	if c.fixed {
		born.fresh = born.age + c.ttl
		return born, true
	}
	if said.noCache || said.broken || l.credentials && !said.public && !said.mustRevalidate && said.sMaxAge == unsaid {
		return born, false
	}
	born.fresh = lifetime(&said, &a.Head, born.came)
	return born, born.left(born.came) > 0
}

// lifetime is RFC 9111 4.2.1 without heuristics.
func lifetime(said *control, head *wire.Head, now time.Time) time.Duration {
	switch {
	case said.sMaxAge != unsaid:
		return time.Duration(said.sMaxAge) * time.Second
	case said.maxAge != unsaid:
		return time.Duration(said.maxAge) * time.Second
	}
	expires, ok := date(single(head, "expires"))
	if !ok {
		return 0
	}
	sent, ok := date(single(head, "date"))
	if !ok {
		sent = now
	}
	return max(expires.Sub(sent), 0)
}

// request is when an answer was asked for, and when it came.
type request struct{ sent, now time.Time }

// age is how old an answer was when it came (RFC 9111 4.2.3).
func (r *request) age(head *wire.Head) time.Duration {
	apparent := time.Duration(0)
	if sent, ok := date(single(head, "date")); ok {
		apparent = min(max(r.now.Truncate(time.Second).Sub(sent), 0), maxAge*time.Second)
	}
	said, _ := seconds(single(head, "age"))
	return max(apparent, time.Duration(said)*time.Second+r.now.Sub(r.sent))
}

// everChanging says that the answer varies by what the key cannot know: "*", or
// what each request is given on its way.
func everChanging(head *wire.Head) (yes bool) {
	count := 0
	head.Visit(func(name, value []byte) {
		if !is(name, "vary") {
			return
		}
		for len(value) > 0 {
			var item []byte
			item, value, _ = bytes.Cut(value, comma)
			item = bytes.Trim(item, " \t")
			count++
			yes = yes || count > maxVary || bytes.Equal(item, star) || ownField(item)
		}
	})
	return yes
}

// maxVary bounds the fields by which an answer may vary.
const maxVary = 16

var star = []byte{'*'}

// ownField is a field that the gateway writes after the key is made, or that
// differs with each request.
func ownField(name []byte) bool {
	if forwardedField(name) {
		return true
	}
	for _, own := range [...]string{"via", "x-request-id", "traceparent", "tracestate", "x-real-ip", "connection", "te", "upgrade"} {
		if is(name, own) {
			return true
		}
	}
	return false
}

// forwardedField is a field that says for whom a request is forwarded.
func forwardedField(name []byte) bool {
	const prefix = "x-forwarded-"
	return is(name, "forwarded") || len(name) > len(prefix) && is(name[:len(prefix)], prefix)
}

// single is the value of the only line of that name; nil: none, or several.
func single(head *wire.Head, lower string) (found []byte) {
	count := 0
	head.Visit(func(name, value []byte) {
		if is(name, lower) {
			found = value
			count++
		}
	})
	if count > 1 {
		return nil
	}
	return found
}

// date reads an HTTP date.
func date(text []byte) (time.Time, bool) {
	if len(text) == 0 || len(text) > 64 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(string(text))
	return t, err == nil
}
