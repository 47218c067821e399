package schema

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// flag reads a keyword that is true or false.
func (c *Compiler) flag(n Node, keyword string) bool {
	value, ok := n.Member(keyword).Value.(bool)
	if n.Has(keyword) && !ok {
		c.fault(n.Member(keyword), "must be true or false")
	}
	return value
}

// count reads a keyword that is a number of things; otherwise it is missing.
func (c *Compiler) count(n Node, keyword string, missing int) int {
	if !n.Has(keyword) {
		return missing
	}
	number, _ := n.Member(keyword).Value.(json.Number)
	d, ok := parseDecimal(string(number))
	if number == "" || !ok || d.negative || !d.whole() {
		c.fault(n.Member(keyword), "must be a whole number, 0 or more")
		return missing
	}
	f, err := number.Float64()
	if err != nil || f > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(f)
}

// bound reads a number that others are compared with; nil: there is none.
func (c *Compiler) bound(n Node, keyword string) *bound {
	if !n.Has(keyword) {
		return nil
	}
	number, _ := n.Member(keyword).Value.(json.Number)
	d, ok := parseDecimal(string(number))
	if number == "" || !ok {
		c.fault(n.Member(keyword), "must be a number")
		return nil
	}
	return &bound{d, string(number)}
}

// texts reads a list of strings.
func (c *Compiler) texts(n Node) (texts []string) {
	list, ok := n.Value.([]any)
	if !ok {
		c.fault(n, "must be a list of strings")
	}
	for i := range list {
		text, ok := list[i].(string)
		if !ok {
			c.fault(n.Item(i), "must be a string")
		}
		texts = append(texts, text)
	}
	return texts
}

func (c *Compiler) types(s *Schema, n Node) {
	t := n.Member("type")
	names := []string{t.Text()}
	switch t.Value.(type) {
	case nil:
		if n.Has("type") {
			c.fault(t, "must be a string")
		}
		return
	case []any:
		names = c.texts(t)
	}
	for _, name := range names {
		kind := kindNamed(name)
		if kind == 0 {
			c.fault(t, "must be one of "+strings.Join(kindNames[:], ", "))
			return
		}
		s.types |= kind
	}
}

func kindNamed(name string) kinds {
	for i, known := range kindNames {
		if name == known {
			return 1 << i
		}
	}
	return 0
}

// values reads enum and const.
func (c *Compiler) values(s *Schema, n Node) {
	check := NewCheck(Request)
	key := func(v any) string { return string(check.appendKey(nil, v)) }
	if n.Has("enum") {
		list, ok := n.Member("enum").Value.([]any)
		if !ok {
			c.fault(n.Member("enum"), "must be a list")
		}
		s.enum = make(map[string]bool, len(list))
		for _, v := range list {
			s.enum[key(v)] = true
		}
		s.words = shown(list)
	}
	if n.Has("const") {
		s.constant = key(n.Member("const").Value)
		s.words = shown([]any{n.Member("const").Value})
	}
	if check.Exhausted() {
		c.fault(n, "has too many values")
	}
}

// shown lists values of a schema, as far as they can be read at a glance.
func shown(list []any) string {
	var words []string
	for _, v := range list {
		switch v := v.(type) {
		case string:
			words = append(words, strconv.Quote(v))
		case json.Number:
			words = append(words, string(v))
		case bool:
			words = append(words, strconv.FormatBool(v))
		case nil:
			words = append(words, "null")
		default:
			words = append(words, "…")
		}
	}
	return Shorten(strings.Join(words, ", "), maxDetail/2)
}

func (c *Compiler) number(s *Schema, n Node) {
	r := &s.number
	r.minimum, r.maximum, r.multipleOf = c.bound(n, "minimum"), c.bound(n, "maximum"), c.bound(n, "multipleOf")
	if r.multipleOf != nil && r.multipleOf.sign() <= 0 {
		c.fault(n.Member("multipleOf"), "must be above 0")
		r.multipleOf = nil
	}
	r.above = c.exclusive(n, "exclusiveMinimum", &r.minimum)
	r.below = c.exclusive(n, "exclusiveMaximum", &r.maximum)
}

// exclusive reads a bound, or whether the other one is exclusive, as it was
// before OpenAPI 3.1.
func (c *Compiler) exclusive(n Node, keyword string, inclusive **bound) *bound {
	exclusive, isFlag := n.Member(keyword).Value.(bool)
	if !isFlag {
		return c.bound(n, keyword)
	}
	if !exclusive {
		return nil
	}
	moved := *inclusive
	*inclusive = nil
	return moved
}

func (c *Compiler) text(s *Schema, n Node) {
	r := &s.text
	r.least, r.most = c.count(n, "minLength", 0), c.count(n, "maxLength", -1)
	r.pattern = c.pattern(n.Member("pattern"), n.Has("pattern"))
	r.format = knownFormat(n.Member("format").Text())
}

// pattern compiles the regular expression at n, if there is one.
func (c *Compiler) pattern(n Node, there bool) *pattern {
	if !there {
		return nil
	}
	text, ok := n.Value.(string)
	if !ok {
		c.fault(n, "must be a string")
		return nil
	}
	p, err := compilePattern(text)
	if err != nil {
		c.fault(n, "pattern "+err.Error())
	}
	return p
}

func (c *Compiler) list(s *Schema, n Node) {
	r := &s.list
	r.least, r.most = c.count(n, "minItems", 0), c.count(n, "maxItems", -1)
	r.unique = c.flag(n, "uniqueItems")
	if n.Has("prefixItems") {
		r.prefix = c.schemas(n, "prefixItems")
	}
	r.items, r.unevaluated = c.schema(n, "items"), c.schema(n, "unevaluatedItems")
	r.contains = c.schema(n, "contains")
	r.leastContains, r.mostContains = c.count(n, "minContains", 1), c.count(n, "maxContains", -1)
}

func (c *Compiler) object(s *Schema, n Node) {
	r := &s.object
	r.least, r.most = c.count(n, "minProperties", 0), c.count(n, "maxProperties", -1)
	if n.Has("required") {
		r.required = c.texts(n.Member("required"))
	}
	c.named(n, "properties", func(name string, property *Schema) {
		if r.properties == nil {
			r.properties = map[string]*Schema{}
		}
		r.properties[name] = property
		r.names = append(r.names, name)
	})
	c.named(n, "patternProperties", func(text string, property *Schema) {
		at := n.Member("patternProperties").Member(text)
		at.Value = text
		if p := c.pattern(at, true); p != nil {
			r.patterns = append(r.patterns, patternSchema{p, property})
		}
	})
	r.additional, r.unevaluated = c.schema(n, "additionalProperties"), c.schema(n, "unevaluatedProperties")
	r.propertyNames = c.schema(n, "propertyNames")
	c.named(n, "dependentSchemas", func(name string, dependent *Schema) {
		if r.dependent == nil {
			r.dependent = map[string]*Schema{}
		}
		r.dependent[name] = dependent
	})
	dependents := n.Member("dependentRequired")
	object, _ := dependents.Value.(map[string]any)
	for _, name := range Sorted(object) {
		if r.dependentRequired == nil {
			r.dependentRequired = map[string][]string{}
		}
		r.dependentRequired[name] = c.texts(dependents.Member(name))
	}
}
