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
			upstream, changes, ok := t.upstreamOf(at, r.first("routeTo"))
			if !ok {
				return
			}
			rule.set("upstream", upstream)
			t.routes = append(t.routes, append(rule, changes...))
			if len(r.first("transformationConditions").of("transformationCondition")) > 0 {
				t.refuse(at, "transformationConditions of a rule are not supported")
				return
			}
			t.ignored(at, r, "name", "routeTo", "payloadIdentifier", "contextCondition", "contextConditionOperator", "transformationConditions")
		}
		t.ignored(at, a, "routeTo", rules)
	}
}

// byContent is the condition of a rule on what a body holds.
func byContent(t *translation, at string, r *parameter) (mapping, bool) {
	var list []any
	for _, p := range r.of("payloadIdentifier") {
		one, ok := t.content(at, p)
		if !ok {
			return nil, false
		}
		list = append(list, one)
	}
	if list == nil {
		t.refuse(at, "a rule has no condition that is known")
	}
	return mapping{{key: "all", value: list}}, len(list) > 0
}

// content is a condition on a body, or on a field or parameter where the expression
// names one.
func (t *translation) content(at string, p *parameter) (mapping, bool) {
	var what mapping
	expression := p.text("expression")
	for _, field := range []struct{ prefix, key string }{{"${request.headers.", "header"}, {"${request.query.", "query"}} {
		if name, ok := strings.CutPrefix(expression, field.prefix); ok && strings.HasSuffix(name, "}") {
			what.set("name", strings.TrimSuffix(name, "}"))
			what.set("equals", p.text("value"))
			return mapping{{key: field.key, value: what}}, true
		}
	}
	kinds := map[string]string{"jsonPath": "json_path", "xpath": "xpath", "text": "regex", "regex": "regex"}
	kind, known := kinds[p.text("expressionType")]
	if !known || expression == "" {
		t.refuse(at, "expressions of type %q are not supported", shorten(p.text("expressionType")))
		return nil, false
	}
	what.set(kind, bodyExpression(expression, p.text("expressionType")))
	what.set("equals", p.text("value"))
	return mapping{{key: "payload", value: what}}, true
}

// bodyExpression is what is looked for in a body, without the variable that may stand
// around it: ${request.payload.a.b} is $.a.b.
func bodyExpression(text, kind string) string {
	inside, ok := strings.CutPrefix(text, "${request.payload")
	if !ok {
		inside, ok = strings.CutPrefix(text, "${response.payload")
	}
	inside, closed := strings.CutSuffix(inside, "}")
	if !ok || !closed {
		return text
	}
	if found, ok := strings.CutPrefix(inside, "."+kind+"["); ok && strings.HasSuffix(found, "]") {
		return found[:len(found)-1]
	}
	if kind == "jsonPath" {
		return "$" + inside
	}
	return text
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
	case kind == "IPV4" || kind == "IPV6":
		return mapping{{key: "address", value: []string{c.text("fromIp") + "-" + c.text("toIp")}}}, true
	case kind == "predefined" && c.text("conditionDataType") == "USER" && c.text("conditionOperator") == "EQ":
		return mapping{{key: "user", value: []string{value}}}, true
	case kind == "INBOUND_HTTP_METHOD":
		return mapping{{key: "method", value: []string{value}}}, true
	}
	t.refuse(at, "a condition on %s %s is not supported", shorten(c.text("conditionVariable")), c.text("conditionDataType"))
	return nil, false
}
