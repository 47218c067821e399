package archive

import "slices"

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
		var hidden []string
		for _, place := range []struct {
			name string
			on   bool
		}{{"payload", payload}, {"log", log}} {
			if place.on {
				hidden = append(hidden, place.name)
			}
		}
		switch {
		case hidden == nil:
			t.refuse(at, "it masks neither messages nor what is logged of them")
		case t.hidden != nil && !slices.Equal(t.hidden, hidden):
			t.refuse(at, "masks of one place that hide from messages and from the log in different ways are not supported")
		}
		t.hidden = hidden
		t.ignored(at, a, "jpathMasking", "xpathMasking", "regexMasking", "applyForPayload", "sameForTransactionalLogging")
	}
}
