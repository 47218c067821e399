package config

import (
	"fmt"
	"reflect"
	"slices"
)

// policies checks what stands at one level, whatever the others say.
func (v *checker) policies(c *Config, l Level) {
	p := l.Policies
	v.throttle(l.At("throttle"), p.Throttle, c.Applications)
	for i, protocol := range p.Protocols {
		v.oneOf(l.At("protocols", i), protocol, "http", "https")
	}
	if p.Authorize != nil {
		v.authorize(l.At("authorize"), p.Authorize)
	}
	v.validation(c, l)
	v.invocationLog(c, l)
	v.monitor(c, l)
	for i := range p.Throttle {
		if a := p.Throttle[i].Alert; a != nil {
			v.eventsTo(c, l.At("throttle", i, "alert", "destinations"), a.Destinations)
		}
	}
	if p.Faults != nil {
		v.faultPolicy(l.At("faults"), p.Faults)
	}
}

// together checks what the levels that an API's requests meet say together.
func (v *checker) together(c *Config, api int) {
	seen := map[string]bool{}
	for _, scopes := range c.APIs[api].scopeSets() {
		for _, method := range append(c.LevelMethods(api), "") {
			levels := c.Levels(api, method, scopes)
			var id *Identify
			for _, l := range levels {
				if l.Policies.Identify != nil && (id == nil || id.None) {
					id = l.Policies.Identify
				}
			}
			for _, l := range levels {
				if id == nil || !id.None || seen[fmt.Sprint(l.Path)] {
					continue
				}
				seen[fmt.Sprint(l.Path)] = true
				if l.Policies.Authorize != nil {
					v.add(l.At("authorize"), "identify: none leaves nobody to authorize")
				}
				v.routeNobody(l)
				for i := range l.Policies.Monitor {
					if l.Policies.Monitor[i].Applications.Names != nil {
						v.warn(l.At("monitor", i, "applications"), "identify: none leaves nobody to tell apart, so nothing is counted")
					}
				}
				for i := range l.Policies.Throttle {
					if l.Policies.Throttle[i].needsCaller() {
						v.add(l.At("throttle", i), "identify: none leaves nobody to tell apart")
					}
				}
			}
		}
	}
}

// scopeSets are the scopes that resources name together, after none and each
// alone.
func (a *API) scopeSets() [][]string {
	sets := [][]string{nil}
	for i := range a.Scopes {
		sets = append(sets, []string{a.Scopes[i].Name})
	}
	for _, r := range a.Resources {
		if !slices.ContainsFunc(sets, func(known []string) bool { return slices.Equal(known, r.Scopes) }) {
			sets = append(sets, r.Scopes)
		}
	}
	return sets
}

// globalPolicies checks whose policies are meant.
func (v *checker) globalPolicies(c *Config) {
	seen := map[string]int{}
	for i := range c.Policies {
		g, path := &c.Policies[i], []any{"policies", i}
		v.unique(seen, g.Name, path, "name")
		for j, method := range g.When.Methods {
			v.method(at(path, "when", "methods", j), method)
		}
		if reflect.ValueOf(g.Policies).IsZero() {
			v.add(at(path, "policies"), "missing: a global policy without policies does nothing")
		}
		if !slices.ContainsFunc(c.APIs, func(a API) bool { return g.When.Fits(&a) }) {
			v.warn(at(path, "when"), "no API fits, so these policies are nowhere at work")
		}
	}
	for i := range c.APIs {
		v.together(c, i)
	}
}
