package metrics

// callers counts what became of callers that went beyond the limits.
type callers struct{ refused, timeouts words }

func newCallers() callers {
	return callers{
		refused: words{
			family: family{"postern_connections_refused_total", "counter", "Connections of callers that ended before a request could come."},
			label:  "reason",
		},
		timeouts: words{
			family: family{"postern_timeouts_total", "counter", "Connections of callers that a limit on time has ended."},
			label:  "limit",
		},
	}
}

func (c *callers) write(p *page) {
	c.refused.write(p)
	c.timeouts.write(p)
}

// Listens puts all that can become of callers on the page, still at zero: an
// attack shall show as a change.
func (i *Instruments) Listens() {
	for _, reason := range []string{"connections", "per_ip", "handshake"} {
		i.Refused(reason)
	}
	for _, limit := range []string{"handshake", "header_timeout", "body_timeout", "body_rate", "idle_timeout", "unread", "answer_rate"} {
		i.Timeout(limit)
	}
}

// Refused counts the connections that were turned away, by a fixed reason.
func (i *Instruments) Refused(reason string) *Counter { return i.callers.refused.counter(reason) }

// Timeout counts the connections that a limit on time has ended, by its key in
// limits.
func (i *Instruments) Timeout(limit string) *Counter { return i.callers.timeouts.counter(limit) }
