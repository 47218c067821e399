package definition

import (
	"encoding/json"

	"postern/gateway/schema"
)

// shape is what a text should become: the kinds of values that a schema takes,
// and those within. It is made at load.
type shape struct {
	schema  *schema.Schema
	kinds   schema.Kinds
	items   *shape            // nil: texts
	members map[string]*shape // of objects
	other   *shape            // members that are not named; nil: texts
}

// shapes makes shapes, one for each schema; they may hold themselves.
type shapes map[*schema.Schema]*shape

// of is the shape of values of a schema; nil is that of any.
func (all shapes) of(s *schema.Schema) *shape {
	if s == nil {
		return nil
	}
	if known := all[s]; known != nil {
		return known
	}
	made := &shape{schema: s, kinds: s.Kinds()}
	all[s] = made
	if made.kinds&schema.List != 0 {
		made.items = all.of(s.Items())
	}
	if made.kinds&schema.Object != 0 {
		made.members = map[string]*shape{}
		for name, property := range s.Properties() {
			made.members[name] = all.of(property)
		}
		made.other = all.of(s.Additional())
	}
	return made
}

const scalars = schema.Text | schema.Number | schema.Boolean

// isList says that several texts make one value.
func (s *shape) isList() bool { return s != nil && s.kinds&schema.List != 0 && s.kinds&scalars == 0 }

// mayBeList says that several texts can make one value.
func (s *shape) mayBeList() bool { return s != nil && s.kinds&schema.List != 0 }

// isObject says that names and texts make one value.
func (s *shape) isObject() bool {
	return s != nil && s.kinds&schema.Object != 0 && s.kinds&(scalars|schema.List) == 0
}

// member is the shape of a member.
func (s *shape) member(name string) *shape {
	if s == nil {
		return nil
	}
	if found, known := s.members[name]; known {
		return found
	}
	return s.other
}

func (s *shape) item() *shape {
	if s == nil {
		return nil
	}
	return s.items
}

// scalar makes a value of a text. Where it can be several, the first that the
// schema finds good is it; one that cannot be what it should stays a text, and is
// judged so.
func (s *shape) scalar(c *schema.Check, text string) any {
	if s == nil || s.kinds&^schema.Null == schema.Text {
		return text
	}
	var candidates [2]any
	found := candidates[:0]
	if s.kinds&schema.Number != 0 && isNumber(text) {
		found = append(found, json.Number(text))
	}
	if s.kinds&schema.Boolean != 0 && (text == "true" || text == "false") {
		found = append(found, text == "true")
	}
	if len(found) == 1 && s.kinds&schema.Text == 0 {
		return found[0]
	}
	for _, candidate := range found {
		if c.Fits(s.schema, candidate) {
			return candidate
		}
	}
	return text
}

// isNumber reports whether text is a number as JSON writes it.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid([]byte(text))
}
