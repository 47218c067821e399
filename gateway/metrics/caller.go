package metrics

// callers counts what became of callers that went beyond the limits. All of its
// series are there from the start: an attack shall show as a change.
type callers struct{ refused, timeouts words }

func (c *callers) init() {
	c.refused = words{
		family: family{"postern_connections_refused_total", "counter", "Connections of callers that ended before a request could come."},
		label:  "reason",
	}
	c.timeouts = words{
		family: family{"postern_timeouts_total", "counter", "Connections of callers that a limit on time has ended."},
		label:  "limit",
	}
	for _, reason := range []string{"connections", "per_ip", "handshake"} {
		c.refused.counter(reason)
	}
	for _, limit := range []string{"handshake", "header_timeout", "body_timeout", "body_rate", "idle_timeout", "unread", "answer_rate"} {
		c.timeouts.counter(limit)
	}
}

func (c *callers) write(p *page) {
	c.refused.write(p)
	c.timeouts.write(p)
}

// Refused counts the connections that were turned away, by a fixed reason.
func (i *Instruments) Refused(reason string) *Counter { return i.callers.refused.counter(reason) }

// Timeout counts the connections that a limit on time has ended, by its key in
// limits.
func (i *Instruments) Timeout(limit string) *Counter { return i.callers.timeouts.counter(limit) }
