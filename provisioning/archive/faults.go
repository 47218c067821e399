package archive

// conditionalErrors translates how errors are worded: each criterion is a rule with
// the message that is the default, the others for callers who prefer them.
func conditionalErrors(t *translation, at string, a *parameter) {
	custom := a.first("customFailureMessages")
	var main mapping
	var also []any
	for _, message := range custom.of("failureMessage") {
		one := mapping{{key: "content_type", value: message.text("contentType")}, {key: "body", value: message.text("errortemplate")}}
		if main == nil || message.truth("useAsDefault", false) {
			if main != nil {
				also = append(also, main)
			}
			main = one
			continue
		}
		also = append(also, one)
	}
	if main == nil {
		t.refuse(at, "it has no message")
		return
	}
	main.set("also", also)
	m := mapping{{key: "format", value: "webmethods"}} // which the bundle's own faults would say, were it not for these
	if !custom.truth("sendNativeProviderFault", false) {
		m.set("native", "replace")
	}
	var rules []any
	for _, criteria := range a.of("faultCriteria") {
		when := t.criteria(criteria)
		rules = append(rules, mapping{{key: "when", value: when}, {key: "answer", value: main}})
	}
	if rules == nil {
		m.set("default", main)
	}
	m.set("rules", rules)
	t.state(at, "faults", m)
	for _, key := range []string{"preProcessingSteps", "postProcessingSteps"} {
		if len(a.of(key)) > 0 {
			t.tell(at, "nothing is done for %s", key)
		}
	}
	t.ignored(at, a, "customFailureMessages", "faultCriteria", "preProcessingSteps", "postProcessingSteps")
}

func (t *translation) criteria(c *parameter) (when mapping) {
	var status []string
	for _, s := range c.of("statusCodeCriteria") {
		status = append(status, s.texts("statusCode")...)
	}
	when.set("status", status)
	var fields, payload []any
	for _, h := range c.of("headerCriteria") {
		field := mapping{{key: "name", value: h.text("headerName")}}
		field.set("equals", h.text("headerValue"))
		fields = append(fields, field)
	}
	for _, x := range c.of("xpathCriteria") {
		for _, p := range x.of("payloadIdentifier") {
			key := "xpath"
			if p.text("expressionType") == "jsonPath" {
				key = "json_path"
			}
			rule := mapping{{key: key, value: bodyExpression(p.text("expression"), p.text("expressionType"))}}
			rule.set("equals", p.text("value"))
			payload = append(payload, rule)
		}
	}
	when.set("headers", fields)
	when.set("payload", payload)
	return when
}
