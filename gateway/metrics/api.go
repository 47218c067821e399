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

	// Connected counts the connections opened to the upstream, and Unconnected
	// the attempts at one that failed.
	Connected, Unconnected Counter
	// Retries counts the requests that another attempt was made for.
	Retries Counter

	Tunnels Tunnels
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

// ofAPI is a family that every API has samples of.
type ofAPI struct {
	family
	write func(p *page, f family, a *API, labels string)
}

func counterOfAPI(name, help string, of func(*API) *Counter) ofAPI {
	return ofAPI{family{name, "counter", help}, func(p *page, f family, a *API, labels string) {
		p.count(f, labels, of(a).Get())
	}}
}

func histogramOfAPI(name, help string, of func(*API) *histogram) ofAPI {
	return ofAPI{family{name, "histogram", help}, func(p *page, f family, a *API, labels string) {
		of(a).write(p, f, labels)
	}}
}

// familiesOfAPI are all of them, in the order of a scrape.
func familiesOfAPI() []ofAPI {
	return []ofAPI{
		{family{"postern_requests_total", "counter", "Requests that have ended, by class of the status sent."}, writeRequests},
		counterOfAPI("postern_upstream_attempts_total", "Requests sent upstream, repeats included.",
			func(a *API) *Counter { return &a.attempts }),
		counterOfAPI("postern_upstream_retries_total", "Attempts after one that failed or could not connect.",
			func(a *API) *Counter { return &a.Retries }),
		counterOfAPI("postern_upstream_connects_total", "Connections opened to the upstream.",
			func(a *API) *Counter { return &a.Connected }),
		counterOfAPI("postern_upstream_connect_failures_total", "Connections to the upstream that could not be opened.",
			func(a *API) *Counter { return &a.Unconnected }),
		histogramOfAPI("postern_request_duration_seconds", "From the request's first byte to the answer's last.",
			func(a *API) *histogram { return &a.took }),
		histogramOfAPI("postern_upstream_duration_seconds", "From the first attempt upstream to the answer's head, or until it failed.",
			func(a *API) *histogram { return &a.upstream }),
	}
}

// writeRequests writes a line per status class.
func writeRequests(p *page, f family, a *API, labels string) {
	for class, name := range classes {
		p.count(f, labels+`,code="`+name+`"`, a.requests[class].Get())
	}
}
