package config

import (
	"strconv"
	"strings"
	"time"
)

// Period is a span of time, or a number of calendar weeks or months in UTC.
type Period struct {
	Span     time.Duration // 0: Count of Calendar
	Calendar string        // CalendarWeek or CalendarMonth
	Count    int
}

// The words of a Period.
const (
	CalendarWeek  = "calendar_week"
	CalendarMonth = "calendar_month"
)

// IsZero reports whether nothing was said.
func (p Period) IsZero() bool { return p == Period{} }

// MarshalText writes it as it is configured.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String is how it would be configured: 1m, 24h, 2 calendar_weeks.
func (p Period) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.Calendar == "":
		text := p.Span.String()
		if short, ok := strings.CutSuffix(text, "m0s"); ok {
			text = short + "m"
		}
		if short, ok := strings.CutSuffix(text, "h0m"); ok {
			text = short + "h"
		}
		return text
	case p.Count == 1:
		return p.Calendar
	}
	return strconv.Itoa(p.Count) + " " + p.Calendar + "s"
}
