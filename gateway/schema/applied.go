package schema

import "strconv"

// applied judges v by the schemas that s applies to the same value.
func (c *Check) applied(s *Schema, v any, found *evaluated) bool {
	ok := true
	if s.ref != nil {
		ok = c.eval(s.ref, v, found)
	}
	for _, part := range s.allOf {
		if !ok && c.hurried() {
			return false
		}
		ok = c.eval(part, v, found) && ok
	}
	if s.discriminator != nil {
		return c.discriminated(s, v, found) && ok
	}
	ok = c.anyOf(s, v, found) && ok
	ok = c.oneOf(s, v, found) && ok
	if s.not != nil && c.Fits(s.not, v) {
		ok = c.fault("is what it must not be (not)")
	}
	return c.conditional(s, v, found) && ok
}

// quietly judges v where it is not a fault that it is not good.
func (c *Check) quietly(s *Schema, v any, found *evaluated) bool {
	c.quiet++
	ok := c.eval(s, v, found)
	c.quiet--
	return ok
}

func (c *Check) anyOf(s *Schema, v any, found *evaluated) bool {
	if s.anyOf == nil {
		return true
	}
	ok := false
	for _, part := range s.anyOf {
		ok = c.quietly(part, v, found) || ok
		if ok && found == nil || c.steps < 0 {
			break
		}
	}
	return ok || c.none(s.anyOf, v, "anyOf")
}

func (c *Check) oneOf(s *Schema, v any, found *evaluated) bool {
	if s.oneOf == nil {
		return true
	}
	fits := 0
	for _, part := range s.oneOf {
		if c.quietly(part, v, found) {
			fits++
		}
		if fits > 1 || c.steps < 0 {
			break
		}
	}
	if fits > 1 {
		return c.fault("fits more than one of the schemas that exclude each other (oneOf)")
	}
	return fits == 1 || c.none(s.oneOf, v, "oneOf")
}

// none says why v fits none of several schemas: as that one says which is for
// values of its kind, if it is the only one.
func (c *Check) none(parts []*Schema, v any, keyword string) bool {
	if c.hurried() {
		return false
	}
	kind, only := kindOf(v), (*Schema)(nil)
	for _, part := range parts {
		if part.kinds&kind == 0 {
			continue
		}
		if only != nil {
			return c.fault("fits none of the " + strconv.Itoa(len(parts)) + " schemas allowed here (" + keyword + ")")
		}
		only = part
	}
	if only == nil {
		return c.fault("fits none of the " + strconv.Itoa(len(parts)) + " schemas allowed here (" + keyword + ")")
	}
	return c.eval(only, v, nil)
}

func (c *Check) conditional(s *Schema, v any, found *evaluated) bool {
	if s.when == nil {
		return true
	}
	next := s.otherwise
	if c.quietly(s.when, v, found) {
		next = s.then
	}
	return next == nil || c.eval(next, v, found)
}

// evaluated is what the schemas of a value have looked at: its members or items.
type evaluated struct {
	members map[string]bool
	items   map[int]bool
	first   int // so many of the items
	all     bool
}

// notes is where s notes what it looks at, if anybody asks.
func (s *Schema) notes(asked *evaluated) *evaluated {
	if asked == nil && s.object.unevaluated == nil && s.list.unevaluated == nil {
		return nil
	}
	return new(evaluated)
}

func (e *evaluated) member(name string) {
	if e == nil {
		return
	}
	if e.members == nil {
		e.members = map[string]bool{}
	}
	e.members[name] = true
}

func (e *evaluated) item(i int) {
	if e == nil {
		return
	}
	if e.items == nil {
		e.items = map[int]bool{}
	}
	e.items[i] = true
}

func (e *evaluated) merge(more *evaluated) {
	for name := range more.members {
		e.member(name)
	}
	for i := range more.items {
		e.item(i)
	}
	e.first, e.all = max(e.first, more.first), e.all || more.all
}

// unevaluated judges what no schema has looked at.
func (c *Check) unevaluated(s *Schema, v any, found *evaluated) bool {
	ok := true
	if object, is := v.(map[string]any); is && s.object.unevaluated != nil {
		for name, member := range object {
			if !found.members[name] && !found.all {
				ok = c.extra(s.object.unevaluated, member, token{name: name}) && ok
			}
		}
		found.all = true
	}
	if list, is := v.([]any); is && s.list.unevaluated != nil && !found.all {
		for i := found.first; i < len(list); i++ {
			if !found.items[i] {
				ok = c.extra(s.list.unevaluated, list[i], token{item: i, list: true}) && ok
			}
		}
		found.all = true
	}
	return ok
}

// extra judges what is not named in a schema; where nothing may be, it says so.
func (c *Check) extra(s *Schema, v any, step token) bool {
	if !s.never {
		return c.inside(s, v, step)
	}
	c.at = append(c.at, step)
	ok := c.spend(1) && c.fault("is not known here")
	c.at = c.at[:len(c.at)-1]
	return ok
}
