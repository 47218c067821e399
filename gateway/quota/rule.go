// Package quota counts requests against limits. A Rule says how many there may
// be; a store, of which Local is one, keeps the counters, each under a key.
package quota

import (
	"time"

	"postern/provisioning/config"
)

// Rule is how many requests may come in which time. It is immutable.
//
// In a window, which begins with the first request that meets no running one,
// Requests are allowed. A smooth rule is GCRA, the leaky bucket as a meter of
// ITU-T I.371: requests are allowed at the rate Requests/Per, and Burst of them
// at once after a rest.
type Rule struct {
	// ID names the counters of the rule among all of a store that is shared.
	ID       string
	Requests int64
	Per      config.Period
	Week     time.Weekday // the first day of a calendar week
	Smooth   bool
	Burst    int64 // of a smooth rule
}

// Decision is what becomes of one request.
type Decision struct {
	Allowed   bool
	Remaining int64 // requests that would be allowed right after this one
	// Reset is when nothing is used any more: the window's end, or a smooth rule
	// at rest.
	Reset time.Duration
	// RetryAfter is when the next request will be allowed, if this one was not.
	RetryAfter time.Duration
	// First says that this request was refused as the first of its window, or
	// since Per of a smooth rule.
	First bool
}

// Interval is the time from one request to the next at the rate of a smooth
// rule, in whole nanoseconds, rounded up: never more than Requests fit in Per.
func (r *Rule) Interval() time.Duration {
	return (r.Per.Span + time.Duration(r.Requests) - 1) / time.Duration(r.Requests)
}

// Tolerance is how far a smooth rule may be used ahead of its rate.
func (r *Rule) Tolerance() time.Duration { return time.Duration(r.Burst) * r.Interval() }

// End is when a window ends that begins now. Calendar windows end with a week or
// month in UTC, however late in it they begin.
func (r *Rule) End(now time.Time) time.Time {
	now = now.UTC()
	year, month, day := now.Date()
	switch r.Per.Calendar {
	case config.CalendarWeek:
		gone := int(now.Weekday()-r.Week+7) % 7
		return time.Date(year, month, day-gone+7*r.Per.Count, 0, 0, 0, 0, time.UTC)
	case config.CalendarMonth:
		return time.Date(year, month+time.Month(r.Per.Count), 1, 0, 0, 0, 0, time.UTC)
	}
	return now.Add(r.Per.Span)
}
