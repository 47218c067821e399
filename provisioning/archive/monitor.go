package archive

import "strings"

// metrics are the figures of an interval, by the names of the product.
var metrics = map[string]string{
	"availability": "availability", "averageResponseTime": "average_response_time", "minimumResponseTime": "minimum_response_time",
	"maximumResponseTime": "maximum_response_time", "successCount": "success_count", "faultCount": "fault_count",
	"totalRequestCount": "total_request_count", "requestCount": "total_request_count",
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
	if unit, known := map[string]string{"minutes": "m", "hours": "h"}[a.text("alertIntervalUnit")]; known {
		m.set("interval", a.text("alertInterval")+unit)
	} else if a.text("alertIntervalUnit") != "" {
		t.refuse(at, "an interval of %s is not supported", a.text("alertIntervalUnit"))
		return
	}
	m.set("rules", rules)
	m.set("alert", t.alert(a))
	var names []string
	for _, id := range a.texts("consumerIds") {
		switch found := t.applications.get(id); {
		case found != nil:
			names = append(names, found.Name)
		case id != "AllConsumers" && id != "AnyConsumer" && id != "AnyConsumers":
			t.refuse(at, "it is for application %s, which is not in the export", id)
			return
		}
	}
	m.set("applications", names)
	t.monitors = append(t.monitors, m)
	t.destinations(at, a)
	t.ignored(at, a, "monitorRules", "alertInterval", "alertIntervalUnit", "alertFrequency", "alertMessage", "consumerIds", "destination")
}
