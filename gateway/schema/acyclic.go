package schema

import "iter"

// maxApplied bounds how deeply schemas may apply each other to one value.
const maxApplied = 64

// Finish reports everything that was wrong. Schemas may be used when that is
// nothing.
func (c *Compiler) Finish() []Problem {
	depth := make(map[*Schema]int, len(c.made))
	for _, s := range c.order {
		c.settle(s, depth)
	}
	return c.problems
}

// open marks a schema that is being looked at.
const open = -1

// settle reports schemas that apply themselves to the same value, which would
// never end, and lets s know what it says through others. It returns how deeply
// they apply each other.
func (c *Compiler) settle(s *Schema, depth map[*Schema]int) int {
	if d, known := depth[s]; known {
		return d
	}
	depth[s] = open
	deepest := 0
	for part := range s.applies() {
		d := c.settle(part, depth)
		if d == open {
			c.fault(s.place, "applies itself to the same value, without end")
			continue
		}
		deepest = max(deepest, d+1)
	}
	if deepest == maxApplied+1 {
		c.fault(s.place, "applies too many schemas, each within another, to one value")
	}
	s.kinds = s.possible()
	s.inherit()
	depth[s] = deepest
	return deepest
}

// applies are the schemas that s applies to the same value.
func (s *Schema) applies() iter.Seq[*Schema] {
	return func(yield func(*Schema) bool) {
		for part := range s.parts() {
			if !yield(part) {
				return
			}
		}
		for _, part := range []*Schema{s.not, s.when, s.then, s.otherwise} {
			if part != nil && !yield(part) {
				return
			}
		}
		for _, part := range s.object.dependent {
			if !yield(part) {
				return
			}
		}
		if s.discriminator == nil {
			return
		}
		for _, part := range s.discriminator.mapping {
			if !yield(part) {
				return
			}
		}
	}
}

// inherit takes over in which direction those may stand that s refers to.
func (s *Schema) inherit() {
	if s.ref != nil {
		s.readOnly, s.writeOnly = s.readOnly || s.ref.readOnly, s.writeOnly || s.ref.writeOnly
	}
	for _, part := range s.allOf {
		s.readOnly, s.writeOnly = s.readOnly || part.readOnly, s.writeOnly || part.writeOnly
	}
}
