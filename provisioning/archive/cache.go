package archive

func resultCache(t *translation, at string, a *parameter) {
	m := mapping{{key: "mode", value: "ttl"}}
	m.set("ttl", a.text("ttl"))
	switch size := a.text("max-payload-size"); size {
	case "":
	case "-1":
		m.set("max_entry", "none")
	default:
		m.set("max_entry", size+"KiB")
	}
	var headers, query, payload []any
	for _, criteria := range a.of("cacheCriteria") {
		for _, h := range criteria.of("httpHeader") {
			headers = append(headers, keyPart(mapping{{key: "name", value: h.text("httpHeaderName")}}, h))
		}
		for _, q := range criteria.of("queryParam") {
			query = append(query, keyPart(mapping{{key: "name", value: q.text("queryParamName")}}, q))
		}
		for _, x := range criteria.of("XPATH") {
			part := mapping{{key: "xpath", value: x.text("xpath-exp")}}
			var spaces mapping
			for _, n := range x.of("namespace-src") {
				spaces.set(n.text("prefix-src"), n.text("uri-src"))
			}
			part.set("namespaces", spaces)
			payload = append(payload, keyPart(part, x))
		}
	}
	var key mapping
	key.set("headers", headers)
	key.set("query", query)
	key.set("payload", payload)
	m.set("key", key)
	t.state(at, "cache", m)
	t.ignored(at, a, "cacheCriteria", "ttl", "max-payload-size")
}

// keyPart is a part of a cache's key, with the values for which answers are kept.
func keyPart(part mapping, p *parameter) mapping {
	part.set("only", p.texts("whiteList"))
	return part
}
