package metrics

// Limits is how the limits of throttle fare.
type Limits struct {
	Requests []LimitedRequests
	Counters []LimitCounters
}

// LimitedRequests is what became of an API's requests by one rule.
type LimitedRequests struct {
	API, Rule       string
	Refused, Alerts uint64
	Alone           uint64 // judged without the store that copies share
}

// LimitCounters is the memory of one rule; API is "" for one of several APIs.
type LimitCounters struct {
	API, Rule string
	Keys      int64
	Evicted   uint64 // for want of room, while in use
}

// writeLimits writes the series of all rules, also of those that have refused
// nothing: an attack shall show as a change.
func writeLimits(p *page, l Limits) {
	if len(l.Requests) > 0 {
		refused := family{"postern_throttled_total", "counter", "Requests that a limit has refused."}
		p.begin(refused)
		for _, r := range l.Requests {
			p.count(refused, label("api", r.API)+","+label("rule", r.Rule), r.Refused)
		}
		alerts := family{"postern_throttle_alerts_total", "counter", "Alerts of a limit, also those that the log has left out."}
		p.begin(alerts)
		for _, r := range l.Requests {
			p.count(alerts, label("api", r.API)+","+label("rule", r.Rule), r.Alerts)
		}
		alone := family{"postern_throttle_alone_total", "counter", "Requests that a limit has judged without its store, which was away."}
		p.begin(alone)
		for _, r := range l.Requests {
			p.count(alone, label("api", r.API)+","+label("rule", r.Rule), r.Alone)
		}
	}
	if len(l.Counters) == 0 {
		return
	}
	keys := family{"postern_throttle_keys", "gauge", "Counters of a limit that are kept."}
	p.begin(keys)
	for _, c := range l.Counters {
		p.value(keys, label("api", c.API)+","+label("rule", c.Rule), float64(c.Keys))
	}
	evicted := family{"postern_throttle_evictions_total", "counter", "Counters in use that were dropped for want of room."}
	p.begin(evicted)
	for _, c := range l.Counters {
		p.count(evicted, label("api", c.API)+","+label("rule", c.Rule), c.Evicted)
	}
}
