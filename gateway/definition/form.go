package definition

import "postern/gateway/schema"

// form is what a definition says of a form's fields.
type form struct {
	fields []*Parameter
	// whole says that the fields make one value, which a schema judges; otherwise,
	// in Swagger 2, each field is judged for itself.
	whole bool
}

// check judges a form that is written as a query is.
func (f *form) check(c *schema.Check, text string, s *schema.Schema) {
	pairs, fault := splitQuery(text)
	if fault != "" {
		c.Add("", fault)
		return
	}
	values := map[string]any{}
	for _, field := range f.fields {
		found := field.fromPairs(c, pairs)
		if !f.keep(c, field, found, values) {
			return
		}
	}
	if !f.whole {
		return
	}
	for i := range pairs {
		p := &pairs[i]
		if p.used {
			continue
		}
		text, fault := p.text(p.raw)
		if _, twice := values[p.name]; twice && fault == "" {
			fault = isTwice
		}
		if fault != "" {
			c.Add("/"+pointerToken(schema.Shorten(p.name, maxName)), fault)
			return
		}
		values[p.name] = text
	}
	c.Value(s, "", values)
}

// keep puts a field to the others of its form, or judges it; what is not a field
// at all ends the form.
func (f *form) keep(c *schema.Check, field *Parameter, found taken, values map[string]any) bool {
	switch {
	case !f.whole:
		field.judge(c, found)
	case found.fault != "":
		c.Add("/"+pointerToken(field.name), found.fault)
		return false
	case found.there:
		values[field.name] = found.value
	}
	return true
}
