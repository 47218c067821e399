package schema

import "iter"

// Kinds is a set of types that values may have.
type Kinds = kinds

// The kinds that are told apart when a text becomes a value.
const (
	Null    = kindNull
	Boolean = kindBoolean
	Number  = kindInteger | kindNumber
	Text    = kindString
	List    = kindList
	Object  = kindObject

	anyKind = Null | Boolean | Number | Text | List | Object
)

// Kinds are the types of values that may be good.
func (s *Schema) Kinds() Kinds { return s.kinds }

// possible finds them out; those of the parts are known.
func (s *Schema) possible() kinds {
	if s.never {
		return 0
	}
	found := anyKind
	if s.types != 0 {
		found = s.types
		if s.types&kindNumber != 0 {
			found |= kindInteger // which is a number
		}
	}
	if s.ref != nil {
		found &= s.ref.kinds
	}
	for _, part := range s.allOf {
		found &= part.kinds
	}
	for _, parts := range [][]*Schema{s.anyOf, s.oneOf} {
		var some kinds
		for _, part := range parts {
			some |= part.kinds
		}
		if parts != nil {
			found &= some
		}
	}
	if s.nullable {
		found |= kindNull
	}
	return found
}

// parts are the schemas that s may apply to the same value, and that describe it.
func (s *Schema) parts() iter.Seq[*Schema] {
	return func(yield func(*Schema) bool) {
		if s.ref != nil && !yield(s.ref) {
			return
		}
		for _, parts := range [][]*Schema{s.allOf, s.anyOf, s.oneOf} {
			for _, part := range parts {
				if !yield(part) {
					return
				}
			}
		}
	}
}

// all calls visit with s and all parts, parts of parts too, each once, until it
// returns false.
func (s *Schema) all(visit func(*Schema) bool) {
	seen := map[*Schema]bool{}
	var walk func(*Schema) bool
	walk = func(s *Schema) bool {
		if seen[s] {
			return true
		}
		seen[s] = true
		if !visit(s) {
			return false
		}
		for part := range s.parts() {
			if !walk(part) {
				return false
			}
		}
		return true
	}
	walk(s)
}

// Items is the schema of a list's items, of whichever part has one; nil: none.
// It is for load time.
func (s *Schema) Items() (found *Schema) {
	s.all(func(part *Schema) bool {
		found = part.list.items
		return found == nil
	})
	return found
}

// Properties are the members of an object that the parts name. It is for load
// time.
func (s *Schema) Properties() map[string]*Schema {
	found := map[string]*Schema{}
	s.all(func(part *Schema) bool {
		for name, property := range part.object.properties {
			if found[name] == nil {
				found[name] = property
			}
		}
		return true
	})
	return found
}

// Additional is the schema of members that are not named, if they are described;
// nil: they are not. It is for load time.
func (s *Schema) Additional() (found *Schema) {
	s.all(func(part *Schema) bool {
		if more := part.object.additional; more != nil && !more.never {
			found = more
		}
		return found == nil
	})
	return found
}
