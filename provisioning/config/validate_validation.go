package config

import (
	"reflect"
	"slices"
)

// validation checks what stands at one level.
func (v *checker) validation(c *Config, l Level) {
	p, path := l.Policies.Validate, l.At("validate")
	if p == nil {
		return
	}
	v.oneOf(at(path, "undefined"), p.Undefined, "refuse", "pass")
	needs := p.NeedsDefinition()
	var asked, answered *RequiredHeaders
	if q := p.Request; q != nil {
		v.oneOf(at(path, "request", "unknown_query"), q.UnknownQuery, "allow", "refuse")
		if q.UnknownQuery == "refuse" && !q.Query {
			v.add(at(path, "request", "unknown_query"), "needs query: true")
		}
		asked = q.RequiredHeaders
		v.requiredHeaders(at(path, "request", "required_headers"), asked)
	}
	if p.Response != nil {
		answered = p.Response.RequiredHeaders
		v.requiredHeaders(at(path, "response", "required_headers"), answered)
	}
	if !needs && asked == nil && answered == nil {
		v.add(path, "empty: say what of request or response is validated, such as {request: {schema: true}}")
	}
	if needs {
		v.defined(c, l, path)
	}
}

// defined reports APIs whose messages are compared with a definition that they
// do not have.
func (v *checker) defined(c *Config, l Level, path []any) {
	index, _ := l.Path[1].(int)
	if l.Path[0] == "apis" {
		if c.APIs[index].Definition == nil {
			v.add(path, "needs the API's definition: {file: …}")
		}
		return
	}
	for i := range c.APIs {
		if a := &c.APIs[i]; a.Definition == nil && c.Policies[index].When.Fits(a) {
			v.clash(path, []any{"apis", i}, "the API %q has no definition to validate by", a.FullName())
		}
	}
}

// Validates reports whether messages of an API are compared with its definition.
func (c *Config) Validates(api int) bool {
	return slices.ContainsFunc(c.apiLevels(api), func(l Level) bool {
		return l.Policies.Validate != nil && l.Policies.Validate.NeedsDefinition()
	})
}

// apiLevels are all levels that some requests to an API meet.
func (c *Config) apiLevels(api int) (levels []Level) {
	a := &c.APIs[api]
	for i := range c.Policies {
		if c.Policies[i].When.Fits(a) {
			levels = append(levels, Level{Policies: &c.Policies[i].Policies})
		}
	}
	levels = append(levels, Level{Policies: &a.Policies})
	for i := range a.Scopes {
		levels = append(levels, Level{Policies: &a.Scopes[i].Policies})
	}
	return levels
}

func (v *checker) requiredHeaders(path []any, r *RequiredHeaders) {
	if r == nil {
		return
	}
	v.oneOf(at(path, "combine"), r.Combine, "and", "or")
	if len(r.Headers) == 0 {
		v.add(at(path, "headers"), "missing: which headers must be there")
	}
	for i, h := range r.Headers {
		if !isToken(h.Name) {
			v.add(at(path, "headers", i, "name"), "%q is not a header name", h.Name)
		}
	}
}

// definition checks where an API's definition is said.
func (v *checker) definition(c *Config, api int) {
	a, path := &c.APIs[api], []any{"apis", api, "definition"}
	d := a.Definition
	switch {
	case d == nil:
	case d.File.IsZero():
		v.add(at(path, "file"), "missing: the file with the definition")
	case len(d.Documents) == 0: // it could not be read
	case d.Resources && !reflect.DeepEqual(a.Resources, d.resources()):
		v.add(at(path, "resources"), "the API says itself which resources it has")
	case d.Resources && len(a.Resources) == 0:
		v.add(at(path, "resources"), "the definition has no paths")
	case !d.Resources && !c.Validates(api):
		v.warn(path, "unused: no policy validates by it, and resources: true is not said")
	}
}
