package archive

// compared are the parts of messages that are compared with the definition.
var compared = []string{"schemaValidationFlag", "validateQueryParams", "validatePathParams", "validateCookieParams", "validateContentTypes"}

// validateFor translates the comparison with a definition. The definition itself is
// not taken over, so an API that needs it is left out; what is asked of header fields
// needs none.
func validateFor(stage string) translator {
	side := "request"
	if stage == "responseProcessing" {
		side = "response"
	}
	return func(t *translation, at string, a *parameter) {
		t.ignored(at, a, append([]string{"headersValidationFlag", "validateHTTPHeaders"}, compared...)...)
		fields := a.first("validateHTTPHeaders")
		listed := fields.of("httpHeaderNonReqValue")
		needs := ""
		for _, flag := range compared {
			if needs == "" && a.truth(flag, false) {
				needs = flag
			}
		}
		switch asked := a.truth("headersValidationFlag", false); {
		case needs == "" && !asked:
			t.tell(at, "it compares nothing, and is left out")
			return
		case needs == "" && len(listed) == 0:
			needs = "headersValidationFlag"
		}
		if needs != "" {
			t.refuse(at, "%s: messages cannot be compared in stage %s: the definition of the export is not taken over", needs, stage)
			return
		}
		t.compare(at, side, mapping{{key: "required_headers", value: required(fields, listed)}})
	}
}

// required are header fields that must be there, some with a value.
func required(fields *parameter, listed []*parameter) (m mapping) {
	var list []any
	for _, h := range listed {
		field := mapping{{key: "name", value: h.text("headerKey")}}
		field.set("equals", h.text("headerValueNonRequired"))
		list = append(list, field)
	}
	if fields.text("logicalConnector") == "OR" {
		m.set("combine", "or")
	}
	m.set("headers", list)
	return m
}

// compare states a side of what is validated.
func (t *translation) compare(at, side string, rules mapping) {
	if t.validated.has(side) {
		t.refuse(at, twice)
		return
	}
	t.validated.set(side, rules)
}
