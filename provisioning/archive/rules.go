package archive

import "strings"

// routeRules translates routing by what a request holds, or by who sends it when.
// The first route is for what no rule fits.
func routeRules(rules string, condition func(*translation, string, *parameter) (mapping, bool)) translator {
	return func(t *translation, at string, a *parameter) {
		straightThrough(t, at, a.first("routeTo"))
		for i, r := range a.of(rules) {
			when, ok := condition(t, at, r)
			if !ok {
				return
			}
			var rule mapping
			if name := r.text("name"); name != "" {
				rule.set("name", name)
			} else {
				rule.set("name", "rule-"+asText(float64(i+1)))
			}
			rule.set("when", when)
			upstream, drop, ok := t.upstreamOf(at, r.first("routeTo"))
			if !ok {
				return
			}
			if rule.set("upstream", upstream); drop {
				rule.set("path", "drop")
			}
			t.routes = append(t.routes, rule)
			t.ignored(at, r, "name", "routeTo", "payloadIdentifier", "contextCondition", "contextConditionOperator")
		}
		t.ignored(at, a, "routeTo", rules)
	}
}

// byContent is the condition of a rule on what a body holds.
func byContent(t *translation, at string, r *parameter) (mapping, bool) {
	var list []any
	for _, p := range r.of("payloadIdentifier") {
		var payload mapping
		switch kind := p.text("expressionType"); kind {
		case "jsonPath":
			payload.set("json_path", p.text("expression"))
		case "xpath":
			payload.set("xpath", p.text("expression"))
		default:
			t.refuse(at, "expressions of type %q are not supported", kind)
			return nil, false
		}
		payload.set("equals", p.text("value"))
		list = append(list, mapping{{key: "payload", value: payload}})
	}
	return mapping{{key: "all", value: list}}, len(list) > 0
}

// byContext is the condition of a rule on the application, the date, the address or
// the user.
func byContext(t *translation, at string, r *parameter) (mapping, bool) {
	var list []any
	for _, c := range r.of("contextCondition") {
		one, ok := t.context(at, c)
		if !ok {
			return nil, false
		}
		list = append(list, one)
	}
	key := "all"
	if strings.EqualFold(r.text("contextConditionOperator"), "or") {
		key = "any"
	}
	if len(list) == 0 {
		t.refuse(at, "a rule has no condition that is known")
	}
	return mapping{{key: key, value: list}}, len(list) > 0
}

func (t *translation) context(at string, c *parameter) (mapping, bool) {
	value := c.text("conditionValue")
	switch kind := c.text("conditionVariable"); {
	case kind == "Consumer":
		name := value
		if found := t.applications.get(value); found != nil {
			name = found.Name
		}
		return mapping{{key: "application", value: []string{name}}}, true
	case kind == "Date":
		word, known := map[string]string{"LT": "before", "GT": "after", "EQ": "on"}[c.text("conditionOperator")]
		if known {
			return mapping{{key: "date", value: mapping{{key: word, value: value}}}}, true
		}
	case kind == "IPV4":
		return mapping{{key: "address", value: []string{c.text("fromIp") + "-" + c.text("toIp")}}}, true
	case kind == "predefined" && c.text("conditionDataType") == "USER" && c.text("conditionOperator") == "EQ":
		return mapping{{key: "user", value: []string{value}}}, true
	case kind == "INBOUND_HTTP_METHOD":
		return mapping{{key: "method", value: []string{value}}}, true
	}
	t.refuse(at, "a condition on %s %s is not supported", shorten(c.text("conditionVariable")), c.text("conditionDataType"))
	return nil, false
}
