package archive

import (
	"regexp"
	"strings"
)

func cors(t *translation, at string, a *parameter) {
	attributes := a.first("corsAttributes")
	var m mapping
	m.set("origins", t.origins(at, attributes))
	m.set("methods", attributes.texts("allowMethods"))
	m.set("headers", attributes.texts("allowHeaders"))
	m.set("expose_headers", attributes.texts("exposeHeaders"))
	m.set("credentials", attributes.truth("allowCredentials", false))
	if age := attributes.text("maxAge"); age != "" && age != "0" {
		m.set("max_age", age+"s")
	}
	t.state(at, "cors", m)
	t.ignored(at, attributes, "allowedOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "allowCredentials", "maxAge")
}

// origins are those of browsers as they are, and everything else as the pattern
// that it is there.
func (t *translation) origins(at string, attributes *parameter) (list []any) {
	for _, text := range attributes.texts("allowedOrigins") {
		if scheme, host, ok := strings.Cut(text, "://"); text == "*" || text == "null" || ok && plain(scheme) && plain(host) {
			list = append(list, text)
			continue
		}
		if _, err := regexp.Compile(text); err != nil {
			t.refuse(at, "origin %s is neither one nor a pattern", shorten(text))
			return nil
		}
		list = append(list, mapping{{key: "pattern", value: text}})
	}
	return list
}

// plain reports that a text means in a pattern what it is, or would be meant to.
func plain(text string) bool {
	return text != "" && !strings.ContainsAny(text, `\*+?()|[]{}^$/`)
}
