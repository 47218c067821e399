package settings

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"postern/provisioning/config"
)

// period is a duration, or a number of calendar weeks or months.
func (d *decoder) period(n *Node, v *config.Period) {
	text, ok := d.scalar(n)
	if !ok {
		return
	}
	if calendar, count, ok := parseCalendar(text); ok {
		*v = config.Period{Calendar: calendar, Count: count}
		return
	}
	if _, err := time.ParseDuration(text); err != nil && !onlyDigits(text) {
		d.fault(n, "%q is neither a duration such as 1m or 24h, nor calendar_week, calendar_month or 2 calendar_weeks%s",
			text, config.DidYouMean(text, []string{config.CalendarWeek, config.CalendarMonth}))
		return
	}
	var span config.Duration
	d.duration(n, &span, field{})
	v.Span = time.Duration(span)
}

// parseCalendar reads "calendar_week" and "2 calendar_weeks", and months alike.
func parseCalendar(text string) (calendar string, count int, ok bool) {
	number, unit, several := strings.Cut(text, " ")
	if !several {
		return text, 1, text == config.CalendarWeek || text == config.CalendarMonth
	}
	count, err := strconv.Atoi(number)
	unit = strings.TrimSuffix(unit, "s")
	return unit, count, err == nil && count > 0 && onlyDigits(number) && (unit == config.CalendarWeek || unit == config.CalendarMonth)
}

// throttleBy is a list, or one of its items.
func (d *decoder) throttleBy(n *Node, v *config.ThrottleBy) {
	if n.Kind != Scalar {
		d.value(n, reflect.ValueOf((*[]string)(v)).Elem(), field{})
		return
	}
	if text, ok := d.scalar(n); ok {
		*v = config.ThrottleBy{text}
	}
}

// throttleFor is a word, or a list of applications.
func (d *decoder) throttleFor(n *Node, v *config.ThrottleFor) {
	if n.Kind != Scalar {
		d.value(n, reflect.ValueOf(&v.Names).Elem(), field{})
		return
	}
	if text, ok := d.scalar(n); ok {
		v.Word = text
	}
}

// throttleException is an application, or a mapping that says more of it.
func (d *decoder) throttleException(n *Node, v *config.ThrottleException) {
	if n.Kind == Mapping {
		d.mapping(n, reflect.ValueOf(v).Elem())
		return
	}
	if text, ok := d.scalar(n); ok {
		v.Application = text
	}
}
