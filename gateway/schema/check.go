package schema

// Direction is whether a value was sent to the API or came from it.
type Direction bool

// The directions of a message.
const (
	Request Direction = false
	Answer  Direction = true
)

// maxSteps bounds the work for one message.
const maxSteps = 1 << 20

// maxKept bounds what is kept for another message.
const maxKept = 64 << 10

// Check judges the values of one message. It is not safe for concurrent use.
type Check struct {
	Faults []Fault

	direction Direction
	steps     int // that are left
	quiet     int // in how many schemas whose faults are not listed
	base      string
	at        []token
	key       []byte // scratch of appendKey
}

// NewCheck begins to judge a message.
func NewCheck(direction Direction) *Check { return &Check{direction: direction, steps: maxSteps} }

// Reset makes c ready for another message.
func (c *Check) Reset(direction Direction) {
	clear(c.at[:cap(c.at)])
	if cap(c.key) > maxKept {
		c.key = nil
	}
	*c = Check{direction: direction, steps: maxSteps, at: c.at[:0], key: c.key[:0]}
}

// Value judges v, which stands at base, and reports whether it is good. What is
// wrong with it is added to Faults.
func (c *Check) Value(s *Schema, base string, v any) bool {
	c.base, c.at = base, c.at[:0]
	return c.eval(s, v, nil)
}

// Fits reports whether v is good, and lists nothing.
func (c *Check) Fits(s *Schema, v any) bool {
	c.quiet++
	defer func() { c.quiet-- }()
	return c.eval(s, v, nil)
}

// Exhausted reports whether the message was too much work; what was found then
// is not all.
func (c *Check) Exhausted() bool { return c.steps < 0 }

// Add lists a fault that was found by somebody else.
func (c *Check) Add(pointer, detail string) {
	if len(c.Faults) < MaxFaults {
		c.Faults = append(c.Faults, Fault{Shorten(pointer, maxPointer), Shorten(detail, maxDetail)})
	}
}

// fault lists what is wrong with the value at hand. It is always false.
func (c *Check) fault(detail string) bool {
	if !c.hurried() && c.steps >= 0 {
		c.Add(pointer(c.base, c.at), detail)
	}
	return false
}

// hurried says that it only matters whether the value is good.
func (c *Check) hurried() bool { return c.quiet > 0 || len(c.Faults) >= MaxFaults }

// spend takes n steps of the work, and reports whether they were left.
func (c *Check) spend(n int) bool {
	c.steps -= n
	if c.steps < 0 {
		c.steps = -1
	}
	return c.steps >= 0
}

// eval judges v by s. What s has looked at is noted in found, when somebody asks
// for it.
func (c *Check) eval(s *Schema, v any, found *evaluated) bool {
	if !c.spend(1) {
		return false
	}
	if s.never {
		return c.fault("must not be there")
	}
	if v == nil && s.nullable {
		return true
	}
	kind := kindOf(v)
	if s.types != 0 && s.types&kind == 0 {
		return c.fault("must be " + s.types.String())
	}
	mine := s.notes(found)
	ok := c.value(s, v)
	if ok || !c.hurried() {
		ok = c.byKind(s, v, mine) && ok
	}
	if ok || !c.hurried() {
		ok = c.applied(s, v, mine) && ok
	}
	if ok || !c.hurried() {
		ok = c.unevaluated(s, v, mine) && ok
	}
	if ok && found != nil {
		found.merge(mine)
	}
	return ok
}

// value judges by what holds for any kind of value.
func (c *Check) value(s *Schema, v any) bool {
	if s.enum == nil && s.constant == "" {
		return true
	}
	if c.key = c.appendKey(c.key[:0], v); c.steps < 0 {
		return false
	}
	if s.enum != nil && !s.enum[string(c.key)] {
		return c.fault("must be one of " + s.words)
	}
	if s.constant != "" && s.constant != string(c.key) {
		return c.fault("must be " + s.words)
	}
	return true
}

// inside judges a value one step further down.
func (c *Check) inside(s *Schema, v any, step token) bool {
	c.at = append(c.at, step)
	ok := c.eval(s, v, nil)
	c.at = c.at[:len(c.at)-1]
	return ok
}
