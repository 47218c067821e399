package config

import (
	"slices"
	"strings"
)

// cache checks a section.
func (v *checker) cache(path []any, c *Cache) {
	if c == nil || c.None {
		return
	}
	v.oneOf(at(path, "mode"), c.Mode, "standard", "ttl")
	v.oneOf(at(path, "key", "caller"), c.Key.Caller, "each", "shared")
	switch {
	case c.Mode == "ttl" && c.TTL == 0:
		v.add(at(path, "ttl"), "missing: how long answers are fresh")
	case c.Mode == "standard" && c.TTL != 0:
		v.add(at(path, "ttl"), "is for mode: ttl; in mode standard the upstream's Cache-Control decides")
	}
	if c.MaxEntry > c.Size {
		v.add(at(path, "max_entry"), "must not be above size")
	}
	if c.Collapse != nil && c.Collapse.Max > 1_000_000 {
		v.add(at(path, "collapse", "max"), "must be at most 1000000")
	}
	v.keyParts(at(path, "key", "headers"), c.Key.Headers, true)
	v.keyParts(at(path, "key", "query"), c.Key.Query, false)
	for i := range c.Key.Payload {
		k := &c.Key.Payload[i]
		v.payloadRule(at(path, "key", "payload", i), k.Rule())
	}
	if len(c.Key.Payload) > 0 && c.Mode == "standard" {
		v.add(at(path, "key", "payload"), "is for mode: ttl; answers to POST are not kept in mode standard")
	}
}

// keyParts checks the names of headers or query parameters.
func (v *checker) keyParts(path []any, parts []KeyPart, headers bool) {
	for i, p := range parts {
		name := p.Name
		if headers {
			name = strings.ToLower(name)
		}
		switch {
		case p.Name == "":
			v.add(at(path, i, "name"), "missing")
		case headers && !isToken(p.Name):
			v.add(at(path, i, "name"), "%q is not a header name", p.Name)
		case slices.ContainsFunc(parts[:i], func(q KeyPart) bool {
			return q.Name == p.Name || headers && strings.EqualFold(q.Name, name)
		}):
			v.add(at(path, i, "name"), "%q stands twice", p.Name)
		}
	}
}
