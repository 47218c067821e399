package definition

import (
	"errors"

	"postern/gateway/message"
	"postern/gateway/schema"
)

// form is what a definition says of a form's fields.
type form struct {
	fields []*Parameter
	// whole says that the fields make one value, which a schema judges; otherwise,
	// in Swagger 2, each field is judged for itself.
	whole bool
}

// parse reads a text that is JSON.
type parse func(text []byte) (any, error)

// filled is a form as it was sent.
type filled struct {
	*form
	schema *schema.Schema // of the whole
	body   *message.Message
	err    error // a problem of reading the body
}

// parse reads what a field holds, which counts as a part of the body.
func (f *filled) parse(text []byte) (any, error) {
	value, err := f.body.ParseJSON(text)
	if err != nil && !errors.Is(err, message.ErrMalformed) && !errors.Is(err, message.ErrTooMuch) {
		f.err = err
	}
	return value, err
}

// check judges a form that is written as a query is.
func (f *filled) check(c *schema.Check, text string) {
	pairs, fault := splitQuery(text)
	if fault != "" {
		c.Add("", fault)
		return
	}
	for i, parse := 0, f.parse; i < len(pairs); i++ {
		pairs[i].parse = parse
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
	c.Value(f.schema, "", values)
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
