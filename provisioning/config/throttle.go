package config

import (
	"slices"
	"strconv"
	"time"
)

// Throttle is one limit on requests. Several are counted one after the other,
// and all must have room.
type Throttle struct {
	// Name is what header fields, metrics and the log call it; default rule-1
	// by its place in the list, after scope-1- or global-1- where it is no API's.
	Name     string     `yaml:"name"`
	Requests int        `yaml:"requests"`
	Per      Period     `yaml:"per"`
	By       ThrottleBy `yaml:"by"` // default api
	// Algorithm is window (default): counted in windows that begin with the first
	// request; or smooth: evenly spaced, but for Burst at once.
	Algorithm  string `yaml:"algorithm"`
	Burst      int    `yaml:"burst"`
	WeekStarts string `yaml:"week_starts"` // a day; default monday with calendar weeks
	// Applications are those whose requests count; those of others pass.
	Applications ThrottleFor         `yaml:"applications"`
	Except       []ThrottleException `yaml:"except"`
	// Missing is what becomes of a request that has not got what By names: shared
	// (default): all of these count together; ip: each address by itself; exempt:
	// they pass.
	Missing    string         `yaml:"missing"`
	IPv6Prefix int            `yaml:"ipv6_prefix"` // how many bits are one caller; default 64
	Keys       int            `yaml:"keys"`        // how many counters are kept; default 10000
	Headers    *bool          `yaml:"headers"`     // RateLimit and RateLimit-Policy; default true
	Alert      *ThrottleAlert `yaml:"alert"`
	// Store is local (default): this process counts by itself; or redis: copies
	// count together.
	Store string `yaml:"store"`
	// OnUnavailable is what becomes of requests while Store is away: local
	// (default): this process counts them by itself; deny or allow.
	OnUnavailable string `yaml:"on_unavailable"`
}

// ThrottleBy is what a limit counts by, all of it together: api, resource,
// application, subject, ip, claim:NAME, header:NAME. One may be written without a list.
type ThrottleBy []string

// ThrottleFor says whose requests a limit counts: Word is all, registered (for
// the API) or unregistered; "": Names, which are names or ids of applications.
type ThrottleFor struct {
	Word  string
	Names []string
}

// ThrottleException gives an application, by name or id, a counter of its own
// for Requests; 0: it is not limited.
type ThrottleException struct {
	Application string `yaml:"application"`
	Requests    int    `yaml:"requests"`
}

// ThrottleAlert tells the operator when requests are refused.
type ThrottleAlert struct {
	Message      string   `yaml:"message"`
	Frequency    string   `yaml:"frequency"`    // once (default): in each window of a counter; always
	Level        string   `yaml:"level"`        // info, warn (default), error
	Destinations []string `yaml:"destinations"` // default [log]
}

// weekdays are the words of Throttle.WeekStarts.
var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// throttleDefaults fills in the limits of a level, and names those without a name
// after it.
func throttleDefaults(level string, rules []Throttle) {
	for i := range rules {
		t := &rules[i]
		setDefault(&t.Name, level+"rule-"+strconv.Itoa(i+1))
		if t.By == nil {
			t.By = ThrottleBy{"api"}
		}
		setDefault(&t.Algorithm, "window")
		if t.Per.Calendar == CalendarWeek {
			setDefault(&t.WeekStarts, "monday")
		}
		if t.Applications.Names == nil {
			setDefault(&t.Applications.Word, "all")
		}
		setDefault(&t.Missing, "shared")
		setDefault(&t.IPv6Prefix, 64)
		setDefault(&t.Keys, 10_000)
		if t.Headers == nil {
			yes := true
			t.Headers = &yes
		}
		if t.Alert != nil {
			setDefault(&t.Alert.Frequency, "once")
			setDefault(&t.Alert.Level, "warn")
			if t.Alert.Destinations == nil {
				t.Alert.Destinations = []string{LogName}
			}
		}
		setDefault(&t.Store, "local")
		if t.Store == "redis" {
			setDefault(&t.OnUnavailable, "local")
		}
	}
}

// Weekday is the day that calendar weeks begin with.
func (t *Throttle) Weekday() time.Weekday {
	return time.Weekday(max(slices.Index(weekdays, t.WeekStarts), 0))
}
