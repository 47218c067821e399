package route

import (
	"time"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// date compares when a request began to arrive with days and moments.
func date(d *config.DateRule) (condition, error) {
	var from, until time.Time
	narrow := func(text string, to func(begin, end time.Time)) error {
		if text == "" {
			return nil
		}
		begin, end, err := config.ParseMoment(text)
		if err == nil {
			to(begin, end)
		}
		return err
	}
	later := func(t time.Time) {
		if t.After(from) {
			from = t
		}
	}
	sooner := func(t time.Time) {
		if until.IsZero() || t.Before(until) {
			until = t
		}
	}
	for _, one := range []struct {
		key, text string
		to        func(begin, end time.Time)
	}{
		{"before", d.Before, func(begin, _ time.Time) { sooner(begin) }},
		{"after", d.After, func(_, end time.Time) { later(end) }},
		{"on", d.On, func(begin, end time.Time) { later(begin); sooner(end) }},
	} {
		if err := narrow(one.text, one.to); err != nil {
			return nil, config.Below(err, "date", one.key)
		}
	}
	return plain(func(x *exchange.Exchange) bool {
		return !x.Started.Before(from) && (until.IsZero() || x.Started.Before(until))
	}), nil
}

// clock compares the time of day. What is from 22:00 until 06:00 is a night.
func clock(c *config.TimeRule) (condition, error) {
	from, err := config.ParseClock(c.From)
	if err != nil {
		return nil, config.Below(err, "time", "from")
	}
	until, err := config.ParseClock(c.Until)
	if err != nil {
		return nil, config.Below(err, "time", "until")
	}
	return plain(func(x *exchange.Exchange) bool {
		now := time.Duration(x.Started.UnixNano()) % (24 * time.Hour) // days of UTC have no other length here
		if from < until {
			return from <= now && now < until
		}
		return from <= now || now < until
	}), nil
}
