package archive

import "strings"

func logInvocation(t *translation, at string, a *parameter) {
	stored := func(headers, body string) (m mapping) {
		m.set("headers", a.truth(headers, false))
		m.set("body", a.truth(body, false))
		return m
	}
	m := mapping{{key: "when", value: "always"}}
	switch frequency := a.text("logGenerationFrequency"); strings.ToLower(frequency) {
	case "onsuccess":
		m[0].value = "success"
	case "onfailure":
		m[0].value = "failure"
	}
	m.set("request", stored("storeRequestHeaders", "storeRequestPayload"))
	m.set("response", stored("storeResponseHeaders", "storeResponsePayload"))
	var messages []string
	if a.truth("storeClientMessage", false) {
		messages = append(messages, "client")
	}
	if a.truth("storeServerMessage", false) {
		messages = append(messages, "server")
	}
	m.set("messages", messages)
	if a.truth("storeAsZip", false) && (a.truth("storeRequestPayload", false) || a.truth("storeResponsePayload", false)) {
		m.set("compress", true)
	}
	t.logs = append(t.logs, m)
	t.destinations(at, a)
	t.ignored(at, a, "storeRequestHeaders", "storeRequestPayload", "storeResponseHeaders", "storeResponsePayload",
		"storeClientMessage", "storeServerMessage", "storeAsZip", "logGenerationFrequency", "destination")
}
