package validate

import (
	"bytes"
	"strings"

	"postern/gateway/definition"
	"postern/gateway/schema"
	"postern/provisioning/config"
)

// checkConditions looks for headers that must be there: all, or one of them.
// What they must be is not said: it may be known to few.
func checkConditions(c *schema.Check, r *config.RequiredHeaders, fields definition.Headers) {
	var unmet, names []string
	for _, h := range r.Headers {
		names = append(names, h.Name)
		if detail := condition(h, fields); detail != "" {
			unmet = append(unmet, h.Name, detail)
		}
	}
	if r.Combine == "or" {
		if len(unmet) == 2*len(r.Headers) {
			c.Add("", "one of "+strings.Join(names, ", ")+" must be there, and as it must be")
		}
		return
	}
	for i := 0; i < len(unmet); i += 2 {
		c.Add("/"+unmet[i], unmet[i+1])
	}
}

// condition says why a header is not as it must be; "": it is.
func condition(h config.RequiredHeader, fields definition.Headers) string {
	detail := "is missing"
	fields(func(name, value []byte) {
		switch {
		case !strings.EqualFold(string(name), h.Name):
		case h.Equals == "" || bytes.EqualFold(bytes.TrimSpace(value), []byte(h.Equals)):
			if detail == "is missing" {
				detail = ""
			}
		default:
			detail = "is not what it must be"
		}
	})
	return detail
}
