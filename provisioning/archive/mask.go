package archive

// maskFor translates the masking of requests, answers or faults.
func maskFor(side int) translator {
	return func(t *translation, at string, a *parameter) {
		for _, kind := range []struct{ from, to string }{{"jpathMasking", "json_path"}, {"xpathMasking", "xpath"}, {"regexMasking", "regex"}} {
			for _, group := range a.of(kind.from) {
				for _, c := range group.of("maskingCriteria") {
					var rule mapping
					rule.set(kind.to, c.text("action"))
					if c.text("maskingType") == "filter" {
						rule.set("action", "filter")
					} else {
						rule.set("with", c.text("maskValue"))
					}
					t.masks[side] = append(t.masks[side], rule)
				}
			}
		}
		payload, log := a.truth("applyForPayload", true), a.truth("sameForTransactionalLogging", true)
		if !payload || !log {
			t.refuse(at, "masking of messages alone, or of the log alone, is not supported")
		}
		t.ignored(at, a, "jpathMasking", "xpathMasking", "regexMasking", "applyForPayload", "sameForTransactionalLogging")
	}
}
