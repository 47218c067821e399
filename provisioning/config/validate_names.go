package config

import "maps"

// ruleNames checks that no two limits, and no two ways, that a request may meet
// have the same name, by which header fields, the log and metrics know them.
func (v *checker) ruleNames(c *Config) {
	global := map[[2]string][]any{}
	for level := range c.AllLevels() {
		if level.Path[0] == "policies" {
			v.ruleNamesOf(level, global)
		}
	}
	for i := range c.APIs {
		seen := maps.Clone(global)
		v.ruleNamesOf(Level{&c.APIs[i].Policies, []any{"apis", i, "policies"}}, seen)
		for j := range c.APIs[i].Scopes {
			v.ruleNamesOf(Level{&c.APIs[i].Scopes[j].Policies, []any{"apis", i, "scopes", j, "policies"}}, seen)
		}
	}
}

// ruleNamesOf adds those of a level to seen, by what they are of and their name.
func (v *checker) ruleNamesOf(l Level, seen map[[2]string][]any) {
	name := func(what, name string, place []any) {
		if first := seen[[2]string{what, name}]; first != nil {
			v.clash(place, first, "%s %q stands twice", what, name)
		} else if name != "" {
			seen[[2]string{what, name}] = place
		}
	}
	for i, t := range l.Policies.Throttle {
		name("a limit", t.Name, l.At("throttle", i, "name"))
	}
	if r := l.Policies.Route; r != nil {
		for i := range r.Rules {
			name("a rule", r.Rules[i].Name, l.At("route", "rules", i, "name"))
		}
	}
}
