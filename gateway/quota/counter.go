package quota

import "time"

// counter is what one key has used. Times are nanoseconds since 1970.
type counter struct {
	// until is when nothing of it is used any more: a window's end, or the
	// theoretical arrival time of a smooth rule.
	until int64
	used  int64 // requests of the window
	mute  int64 // until then a refusal is not the first
}

// take lets one request of the rule pass, or not.
func (c *counter) take(r *Rule, now time.Time) Decision {
	if r.Smooth {
		return c.smooth(r, now.UnixNano())
	}
	return c.window(r, now)
}

func (c *counter) window(r *Rule, now time.Time) Decision {
	t := now.UnixNano()
	if span := int64(r.Per.Span); span > 0 {
		c.until = min(c.until, t+span) // the clock was turned back
	}
	if c.until <= t {
		*c = counter{until: r.End(now).UnixNano()}
	}
	rest := time.Duration(c.until - t)
	if c.used < r.Requests {
		c.used++
		return Decision{Allowed: true, Remaining: r.Requests - c.used, Reset: rest}
	}
	return Decision{Reset: rest, RetryAfter: rest, First: c.first(t, c.until)}
}

func (c *counter) smooth(r *Rule, t int64) Decision {
	interval, tolerance := int64(r.Interval()), int64(r.Tolerance())
	c.until = min(c.until, t+tolerance) // the clock was turned back, or the rule has changed
	next := max(c.until, t) + interval
	if next-t <= tolerance {
		c.until = next
		return Decision{Allowed: true, Remaining: (tolerance - (next - t)) / interval, Reset: time.Duration(next - t)}
	}
	return Decision{
		Reset: time.Duration(c.until - t), RetryAfter: time.Duration(next - t - tolerance),
		First: c.first(t, t+int64(r.Per.Span)),
	}
}

// first reports whether nothing was refused lately, and mutes it until then.
func (c *counter) first(t, until int64) bool {
	if t < min(c.mute, until) {
		return false
	}
	c.mute = until
	return true
}
