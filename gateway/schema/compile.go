package schema

import (
	"cmp"
	"fmt"
	"slices"
)

// Problem is something wrong with a definition.
type Problem struct {
	Place   Node
	Message string
}

// Compiler makes schemas of documents. What is wrong is collected, so that one
// report tells all of it.
type Compiler struct {
	documents Documents
	old       bool // OpenAPI 3.0 and Swagger 2: nothing counts beside a $ref
	made      map[place]*Schema
	order     []*Schema
	problems  []Problem
}

type place struct{ file, pointer string }

// Bounds of a definition.
const (
	maxSchemas  = 50_000
	maxProblems = 50
)

// NewCompiler prepares to compile what the documents hold. In old ones, before
// OpenAPI 3.1, nothing counts beside a $ref.
func NewCompiler(documents Documents, old bool) *Compiler {
	return &Compiler{documents: documents, old: old, made: map[place]*Schema{}}
}

// Report notes something wrong with the definition.
func (c *Compiler) Report(n Node, format string, args ...any) {
	c.fault(n, fmt.Sprintf(format, args...))
}

func (c *Compiler) fault(n Node, message string) {
	if len(c.problems) < maxProblems {
		n.Value = nil
		c.problems = append(c.problems, Problem{n, message})
	}
}

// Compile makes the schema at n, the same one each time. It may be used when
// Finish has found nothing wrong.
func (c *Compiler) Compile(n Node) *Schema {
	at := place{n.File, n.Pointer}
	if known := c.made[at]; known != nil {
		return known
	}
	s := &Schema{place: n}
	s.text.most, s.list.most, s.list.mostContains, s.object.most = -1, -1, -1, -1
	c.made[at] = s
	c.order = append(c.order, s)
	if len(c.order) > maxSchemas {
		if len(c.order) == maxSchemas+1 {
			c.fault(n, "there are too many schemas")
		}
		return s
	}
	switch v := n.Value.(type) {
	case bool:
		s.never = !v
	case map[string]any:
		c.read(s, n)
	default:
		c.fault(n, "must be a schema")
	}
	return s
}

// reference compiles what a $ref leads to.
func (c *Compiler) reference(s *Schema, n Node) {
	ref, ok := n.Member("$ref").Value.(string)
	if !ok {
		c.fault(n.Member("$ref"), "must be a string")
		return
	}
	target, err := c.documents.target(n, ref)
	if err != nil {
		c.fault(n.Member("$ref"), err.Error())
		return
	}
	s.ref = c.Compile(target)
}

// read fills in s from its object.
func (c *Compiler) read(s *Schema, n Node) {
	if n.Has("$ref") {
		c.reference(s, n)
		if c.old {
			return
		}
	}
	for _, keyword := range []string{"$dynamicRef", "$recursiveRef"} {
		if n.Has(keyword) {
			c.fault(n.Member(keyword), "is not supported: use $ref")
		}
	}
	s.nullable = c.flag(n, "nullable") || c.flag(n, "x-nullable")
	s.readOnly, s.writeOnly = c.flag(n, "readOnly"), c.flag(n, "writeOnly")
	c.types(s, n)
	c.values(s, n)
	c.number(s, n)
	c.text(s, n)
	c.list(s, n)
	c.object(s, n)
	c.within(s, n)
}

// within compiles the schemas that s applies to the same value.
func (c *Compiler) within(s *Schema, n Node) {
	s.allOf, s.anyOf, s.oneOf = c.schemas(n, "allOf"), c.schemas(n, "anyOf"), c.schemas(n, "oneOf")
	s.not, s.when = c.schema(n, "not"), c.schema(n, "if")
	if s.when != nil {
		s.then, s.otherwise = c.schema(n, "then"), c.schema(n, "else")
	}
	c.discriminator(s, n)
}

// schema compiles a member; nil: there is none.
func (c *Compiler) schema(n Node, keyword string) *Schema {
	if !n.Has(keyword) {
		return nil
	}
	return c.Compile(n.Member(keyword))
}

// schemas compiles a list of them.
func (c *Compiler) schemas(n Node, keyword string) (made []*Schema) {
	list, ok := n.Member(keyword).Value.([]any)
	if n.Has(keyword) && (!ok || len(list) == 0) {
		c.fault(n.Member(keyword), "must be a list of schemas")
	}
	for i := range list {
		made = append(made, c.Compile(n.Member(keyword).Item(i)))
	}
	return made
}

// named compiles the members of an object, sorted by their names.
func (c *Compiler) named(n Node, keyword string, use func(name string, s *Schema)) {
	object, ok := n.Member(keyword).Value.(map[string]any)
	if n.Has(keyword) && !ok {
		c.fault(n.Member(keyword), "must be an object of schemas")
	}
	for _, name := range Sorted(object) {
		use(name, c.Compile(n.Member(keyword).Member(name)))
	}
}

// Sorted are the names of an object's members.
func Sorted[V any](object map[string]V) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}
