package archive

import (
	"strconv"
	"strings"
)

// metrics are the figures of an interval, by the names of the product.
var metrics = map[string]string{
	"availability": "availability", "averageResponseTime": "average_response_time", "minimumResponseTime": "minimum_response_time",
	"maximumResponseTime": "maximum_response_time", "successCount": "success_count", "faultCount": "fault_count",
	"totalRequestCount": "total_request_count", "requestCount": "total_request_count",
}

// atLeastOne is a count that may be left out.
func atLeastOne(text string) string {
	if text == "" {
		return "1"
	}
	return text
}

func monitor(t *translation, at string, a *parameter) {
	var rules []any
	for _, r := range a.of("monitorRules") {
		metric, known := metrics[r.text("monitorRuleName")]
		if !known {
			t.refuse(at, "figure %q is not known", r.text("monitorRuleName"))
			return
		}
		rule := mapping{{key: "metric", value: metric}, {key: "operator", value: strings.ToLower(r.text("monitorRuleOperator"))}}
		value, ok := number(r.text("value"))
		if !ok {
			t.refuse(at, "%q is no number", shorten(r.text("value")))
			return
		}
		rules = append(rules, append(rule, entry{key: "value", value: value}))
	}
	var m mapping
	if unit := a.text("alertIntervalUnit"); unit != "" {
		count, number := number(atLeastOne(a.text("alertInterval")))
		hours := map[string]int{"hours": 1, "days": 24, "weeks": 7 * 24}[unit]
		switch {
		case !number || count < 1 || count >= maxCount || unit != "minutes" && hours == 0:
			t.refuse(at, "an interval of %s %s is not supported", shorten(a.text("alertInterval")), shorten(unit))
			return
		case unit == "minutes":
			m.set("interval", strconv.Itoa(count)+"m")
		default:
			m.set("interval", strconv.Itoa(count*hours)+"h")
		}
	}
	m.set("rules", rules)
	m.set("alert", t.alert(a))
	var names []string
	for _, id := range a.texts("consumerIds") {
		switch found := t.applications.get(id); {
		case found != nil:
			names = append(names, found.Name)
		case id == "EachConsumer":
			m.replace("applications", "each")
		case id != "AllConsumers" && id != "AnyConsumer" && id != "AnyConsumers" && id != "":
			t.refuse(at, "figures of %s are not supported: it is not an application of the export", shorten(id))
			return
		}
	}
	if !m.has("applications") {
		m.set("applications", names)
	}
	t.monitors = append(t.monitors, m)
	t.destinations(at, a)
	t.ignored(at, a, "monitorRules", "alertInterval", "alertIntervalUnit", "alertFrequency", "alertMessage", "consumerIds", "destination")
}
