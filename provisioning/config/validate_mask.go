package config

import (
	"slices"
	"strings"
)

// maxMask is how long what stands for a value may be.
const maxMask = 100

func (v *checker) mask(c *Config, path []any, m *Mask) {
	if m == nil {
		return
	}
	if m.Of("log") && !m.Of("payload") && !c.storesBodies() {
		v.warn(at(path, "apply"), "unused: no invocationlog stores bodies, so none is masked")
	}
	if len(m.Request)+len(m.Response)+len(m.Fault) == 0 {
		v.add(path, "state request, response or fault: without them nothing is masked")
	}
	for i, word := range m.Apply {
		v.oneOf(at(path, "apply", i), word, "payload", "log")
	}
	for i := range m.Request {
		v.maskRule(at(path, "request", i), &m.Request[i])
	}
	for i := range m.Response {
		v.maskRule(at(path, "response", i), &m.Response[i])
	}
	for i := range m.Fault {
		v.maskRule(at(path, "fault", i), &m.Fault[i])
	}
}

// storesBodies reports whether some invocationlog does.
func (c *Config) storesBodies() bool {
	for l := range c.AllLevels() {
		if slices.ContainsFunc(l.Policies.InvocationLog, func(log InvocationLog) bool { return log.storesBody() }) {
			return true
		}
	}
	return false
}

// maskRule checks the form; the gateway finds out whether an expression is one.
func (v *checker) maskRule(path []any, r *MaskRule) {
	v.payloadRule(path, &PayloadRule{JSONPath: r.JSONPath, XPath: r.XPath, Regex: r.Regex, Namespaces: r.Namespaces})
	v.oneOf(at(path, "action"), r.Action, "mask", "filter")
	switch {
	case r.With != "" && r.Action == "filter":
		v.add(at(path, "with"), "is for action mask: what is filtered leaves nothing behind")
	case len(r.With) > maxMask:
		v.add(at(path, "with"), "is longer than %d characters", maxMask)
	case strings.ContainsFunc(r.With, func(c rune) bool { return c < ' ' || c > '~' }):
		v.add(at(path, "with"), "only printable ASCII is the same in every charset")
	}
}
