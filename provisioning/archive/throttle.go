package archive

import (
	"strconv"
	"strings"
)

// units are what their words begin with here.
var units = map[string]string{"minutes": "m", "hours": "h", "calendar_week": " calendar_weeks", "calendar_month": " calendar_months"}

// maxCount bounds what is multiplied.
const maxCount = 1 << 20

func throttle(t *translation, at string, a *parameter) {
	var m mapping
	rule := a.first("throttleRule")
	count, err := strconv.Atoi(rule.text("value"))
	operator := rule.text("monitorRuleOperator")
	switch {
	case operator == "EQ" && count < 0:
		t.tell(at, "it limits nothing, and is left out")
		return
	case err != nil || count < 1 || operator != "GT" && operator != "":
		t.refuse(at, "a limit of %s %q is not known", operator, rule.text("value"))
		return
	}
	m.set("requests", count)
	interval := atLeastOne(a.text("alertInterval"))
	unit := a.text("alertIntervalUnit")
	n, ok := number(interval)
	if hours, long := map[string]int{"days": 24, "weeks": 7 * 24}[unit]; ok && long && n < maxCount {
		interval, unit = strconv.Itoa(n*hours), "hours"
	}
	word, known := units[unit]
	if n < 1 || n >= maxCount || !known {
		t.refuse(at, "an interval of %s %s is not known", interval, unit)
		return
	}
	if interval == "1" && strings.HasPrefix(word, " ") {
		m.set("per", unit)
	} else {
		m.set("per", interval+word)
	}
	if !t.consumers(at, a, &m) {
		return
	}
	if day := strings.ToLower(a.text("startDayOfTheWeek")); day != "" && unit == "calendar_week" {
		m.set("week_starts", day)
	}
	m.set("alert", t.alert(a))
	t.throttles = append(t.throttles, m)
	t.destinations(at, a)
	t.ignored(at, a, "throttleRule", "alertInterval", "alertIntervalUnit", "alertFrequency", "alertMessage", "consumerIds", "consumerSpecificCounter", "destination", "startDayOfTheWeek")
}

func (t *translation) alert(a *parameter) (m mapping) {
	m.set("message", a.text("alertMessage"))
	if a.text("alertFrequency") == "always" {
		m.set("frequency", "always")
	}
	return m
}

// consumers says whose requests count, and whether each has a limit of its own.
func (t *translation) consumers(at string, a *parameter, m *mapping) bool {
	var names []string
	each, word := a.truth("consumerSpecificCounter", false), ""
	for _, id := range a.texts("consumerIds") {
		switch id {
		case "AllConsumers", "AnyConsumer", "AnyConsumers", "":
			word = "all"
		case "EachConsumer":
			each, word = true, "all"
		case "AllRegisteredConsumers":
			word = widest(word, "registered")
		case "EachRegisteredConsumer":
			each, word = true, widest(word, "registered")
		case "AllNonRegisteredConsumers":
			word = widest(word, "unregistered")
		case "EachNonRegisteredConsumer":
			each, word = true, widest(word, "unregistered")
		default:
			found := t.applications.get(id)
			if found == nil {
				t.refuse(at, "it is for application %s, which is not in the export", id)
				return false
			}
			names = append(names, found.Name)
		}
	}
	if each {
		m.set("by", []string{"application"})
	}
	switch {
	case names != nil && word != "":
		t.refuse(at, "a limit for some applications by their names and others by a word is not supported")
		return false
	case names != nil:
		m.set("applications", names)
	case word != "all":
		m.set("applications", word)
	}
	return true
}

// widest is whose requests count where two words are stated.
func widest(word, more string) string {
	if word == "" || word == more {
		return more
	}
	return "all"
}

// destinations tells of those that we have not.
func (t *translation) destinations(at string, a *parameter) {
	for _, d := range a.of("destination") {
		switch kind := d.text("destinationType"); kind {
		case "localLog", "ELASTICSEARCH", "":
		default:
			t.tell(at, "events are not sent to destination %s; they are in the log", kind)
		}
	}
}
