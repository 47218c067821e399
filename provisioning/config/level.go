package config

import (
	"iter"
	"reflect"
	"slices"
	"strings"
)

// GlobalPolicy is policies of every API that When describes, on top of the API's
// own.
type GlobalPolicy struct {
	Name     string   `yaml:"name"`
	When     When     `yaml:"when"`
	Policies Policies `yaml:"policies"`
}

// When describes requests: of each list that is stated, one item must fit. An
// asterisk in APIs, Versions and Tags stands for any text.
type When struct {
	Methods  []string `yaml:"methods"` // GET also means HEAD
	APIs     []string `yaml:"apis"`    // names
	Versions []string `yaml:"versions"`
	Tags     []string `yaml:"tags"`
}

// Fits reports whether the policies hold for requests of an API; Methods is left
// to be looked at.
func (w *When) Fits(api *API) bool {
	return fits(w.APIs, api.Name) && fits(w.Versions, api.Version) && (len(w.Tags) == 0 ||
		slices.ContainsFunc(api.Tags, func(tag string) bool { return fits(w.Tags, tag) }))
}

// fitsMethod reports whether the policies hold for a method.
func (w *When) fitsMethod(method string) bool {
	return len(w.Methods) == 0 || slices.Contains(w.Methods, method) || method == "HEAD" && slices.Contains(w.Methods, "GET")
}

func fits(patterns []string, text string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return matchesWildcard(p, text) })
}

// matchesWildcard compares text with a pattern in which * stands for any text.
func matchesWildcard(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		if !ok {
			return false
		}
		_, text, ok = strings.Cut(text, part)
	}
	return ok && strings.HasSuffix(text, parts[len(parts)-1])
}

// Level is policies that stand together, and where.
type Level struct {
	Policies *Policies
	Path     []any
}

// At is the place of one of the level's policies.
func (l Level) At(key ...any) []any { return at(l.Path, key...) }

// Levels are the policies that a request to an API meets, outermost first:
// global ones in their order, the API's own, and those of the named scopes.
func (c *Config) Levels(api int, method string, scopes []string) []Level {
	a := &c.APIs[api]
	var levels []Level
	for i := range c.Policies {
		if g := &c.Policies[i]; g.When.Fits(a) && g.When.fitsMethod(method) {
			levels = append(levels, Level{&g.Policies, []any{"policies", i, "policies"}})
		}
	}
	levels = append(levels, Level{&a.Policies, []any{"apis", api, "policies"}})
	for i := range a.Scopes {
		if slices.Contains(scopes, a.Scopes[i].Name) {
			levels = append(levels, Level{&a.Scopes[i].Policies, []any{"apis", api, "scopes", i, "policies"}})
		}
	}
	return levels
}

// LevelMethods are the methods on which it depends which levels a request to an
// API meets, HEAD with GET; with any other method it meets those of "".
func (c *Config) LevelMethods(api int) (methods []string) {
	for i := range c.Policies {
		if g := &c.Policies[i]; g.When.Fits(&c.APIs[api]) {
			methods = append(methods, g.When.Methods...)
		}
	}
	if slices.Contains(methods, "GET") {
		methods = append(methods, "HEAD")
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// AllLevels is every place where policies stand: global ones, those of APIs, and
// those of their scopes.
func (c *Config) AllLevels() iter.Seq[Level] {
	return func(yield func(Level) bool) {
		for i := range c.Policies {
			if !yield(Level{&c.Policies[i].Policies, []any{"policies", i, "policies"}}) {
				return
			}
		}
		for i := range c.APIs {
			if !yield(Level{&c.APIs[i].Policies, []any{"apis", i, "policies"}}) {
				return
			}
			for j := range c.APIs[i].Scopes {
				if !yield(Level{&c.APIs[i].Scopes[j].Policies, []any{"apis", i, "scopes", j, "policies"}}) {
					return
				}
			}
		}
	}
}

// PolicyNames are the policies at work for some requests to an API, in the order
// of the grammar.
func (c *Config) PolicyNames(api int) []string { return policyNames(c.policiesOf(api)...) }

// policiesOf are those of all levels that some requests to an API meet.
func (c *Config) policiesOf(api int) []*Policies {
	a := &c.APIs[api]
	all := []*Policies{&a.Policies}
	for i := range a.Scopes {
		all = append(all, &a.Scopes[i].Policies)
	}
	for i := range c.Policies {
		if c.Policies[i].When.Fits(a) {
			all = append(all, &c.Policies[i].Policies)
		}
	}
	return all
}

func policyNames(all ...*Policies) []string {
	names := []string{}
	grammar := reflect.TypeFor[Policies]()
	for i := range grammar.NumField() {
		key := grammar.Field(i).Tag.Get("yaml")
		if slices.ContainsFunc(all, func(p *Policies) bool { return p.has(key, i) }) {
			names = append(names, key)
		}
	}
	return names
}

func (p *Policies) has(key string, field int) bool {
	switch key {
	case "identify":
		return p.Identify != nil && !p.Identify.None
	case "cors":
		return p.CORS != nil && !p.CORS.None
	}
	return !reflect.ValueOf(p).Elem().Field(field).IsZero()
}
