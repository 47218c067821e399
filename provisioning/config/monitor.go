package config

import (
	"slices"
	"time"
)

// Monitor counts requests in intervals, and tells when they are not as they
// should be.
type Monitor struct {
	Interval Duration      `yaml:"interval"` // default 1m
	Rules    []MonitorRule `yaml:"rules"`    // all of which must hold for an alert
	Alert    MonitorAlert  `yaml:"alert"`
	// Applications are those whose requests count, each by itself: names or ids, or
	// the word each, for all there are and for callers without one. nil: the
	// requests of all callers count together.
	Applications MonitorFor `yaml:"applications"`
	// Report names the destinations that get the figures of each interval; nil: none.
	Report []string `yaml:"report"`
}

// MonitorFor is the word each, or applications by name or id.
type MonitorFor struct {
	Each  bool
	Names []string
}

// MonitorRule is what an alert is about: a figure of an interval compared with
// a value.
type MonitorRule struct {
	Metric   string `yaml:"metric"`
	Operator string `yaml:"operator"` // gt, lt, eq
	// Value is in percent for availability, in milliseconds for times.
	Value *int `yaml:"value" allow:"zero"`
}

// MonitorAlert is how operators are told.
type MonitorAlert struct {
	Message      string   `yaml:"message"`      // default: the rules are met
	Frequency    string   `yaml:"frequency"`    // once (default): when it begins; always: after each interval
	Level        string   `yaml:"level"`        // of the line: info, warn (default), error
	Destinations []string `yaml:"destinations"` // default [log]
}

// MonitorMetrics are the figures of an interval.
func MonitorMetrics() []string {
	return []string{
		"availability", "average_response_time", "minimum_response_time", "maximum_response_time",
		"success_count", "fault_count", "total_request_count",
	}
}

func (m *Monitor) setDefaults() {
	setDefault(&m.Interval, Duration(time.Minute))
	setDefault(&m.Alert.Frequency, "once")
	setDefault(&m.Alert.Level, "warn")
	if m.Alert.Destinations == nil {
		m.Alert.Destinations = []string{LogName}
	}
}

// stated reports whether an alert is other than the default one.
func (a *MonitorAlert) stated() bool {
	return a.Message != "" || a.Frequency != "once" || a.Level != "warn" || !slices.Equal(a.Destinations, []string{LogName})
}

func (v *checker) monitor(c *Config, l Level) {
	for i := range l.Policies.Monitor {
		m, path := &l.Policies.Monitor[i], l.At("monitor", i)
		if m.Interval < Duration(time.Second) || m.Interval > Duration(31*24*time.Hour) {
			v.add(at(path, "interval"), "must lie between 1s and 744h")
		}
		if len(m.Rules) == 0 && len(m.Report) == 0 {
			v.add(path, "state rules, or report: without them nobody learns of what is counted")
		}
		if len(m.Rules) == 0 && m.Alert.stated() {
			v.add(at(path, "alert"), "unused: there are no rules")
		}
		for j, r := range m.Rules {
			v.monitorRule(at(path, "rules", j), r)
		}
		v.oneOf(at(path, "alert", "frequency"), m.Alert.Frequency, "once", "always")
		v.oneOf(at(path, "alert", "level"), m.Alert.Level, "info", "warn", "error")
		v.eventsTo(c, at(path, "alert", "destinations"), m.Alert.Destinations)
		v.eventsTo(c, at(path, "report"), m.Report)
		for j, name := range m.Applications.Names {
			v.oneApplication(at(path, "applications", j), name, c.Applications)
		}
	}
}

func (v *checker) monitorRule(path []any, r MonitorRule) {
	v.oneOf(at(path, "metric"), r.Metric, MonitorMetrics()...)
	v.oneOf(at(path, "operator"), r.Operator, "gt", "lt", "eq")
	switch {
	case r.Value == nil:
		v.add(at(path, "value"), "missing")
	case r.Metric == "availability" && *r.Value > 100:
		v.add(at(path, "value"), "availability is a percentage, at most 100")
	}
}

// oneApplication reports a name or id that no application has.
func (v *checker) oneApplication(path []any, name string, apps []Application) {
	var known []string
	for i := range apps {
		known = append(known, apps[i].Name, apps[i].ID)
	}
	if !slices.Contains(known, name) {
		v.add(path, "no application is named %q%s", name, DidYouMean(name, known))
	}
}
