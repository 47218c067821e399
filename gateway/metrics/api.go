package metrics

import "time"

// classes are the values of the label code: whether and how an exchange was answered.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

// API are the instruments of one API. Its series appear once it has answered
// something: thousands of idle APIs cost a scrape nothing.
type API struct {
	requests [len(classes)]Counter
	attempts Counter
	took     histogram
	upstream histogram
}

// Done counts an exchange that has ended: the status its caller was sent (0
// when there was none), how many requests went upstream for it, how long it took
// until the last byte, and how long of that the upstream: from the first
// attempt's begin until the answer's head, or until there would be none. An
// upstream that took no time was not asked.
func (a *API) Done(status, attempts int, took, upstream time.Duration) {
	class := status / 100
	if class < 0 || class >= len(classes) {
		class = 0
	}
	a.requests[class].Inc()
	if attempts > 0 {
		a.attempts.Add(attempts)
	}
	a.took.observe(took)
	if upstream > 0 {
		a.upstream.observe(upstream)
	}
}

// appendRequests writes a line per status class.
func (a *API) appendRequests(dst []byte, label string) []byte {
	for class, name := range classes {
		dst = append(dst, "postern_requests_total{"...)
		dst = append(dst, label...)
		dst = append(dst, `,code="`...)
		dst = append(dst, name...)
		dst = appendCount(dst, `"}`, a.requests[class].Get())
	}
	return dst
}

func (a *API) appendAttempts(dst []byte, label string) []byte {
	dst = append(dst, "postern_upstream_attempts_total{"...)
	dst = append(dst, label...)
	return appendCount(dst, "}", a.attempts.Get())
}

func (a *API) appendDuration(dst []byte, label string) []byte {
	return a.took.append(dst, "postern_request_duration_seconds", label)
}

func (a *API) appendUpstream(dst []byte, label string) []byte {
	return a.upstream.append(dst, "postern_upstream_duration_seconds", label)
}
