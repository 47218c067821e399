package schema

import "encoding/json"

// Schema judges values. It is compiled once and safe for concurrent use.
type Schema struct {
	place    Node
	never    bool // the schema "false"
	nullable bool // null is good, whatever else is said
	// readOnly values do not stand in requests, writeOnly ones not in answers.
	readOnly, writeOnly bool
	types               kinds // 0: any

	enum     map[string]bool // by appendKey
	constant string          // by appendKey; "": none
	words    string          // of enum and const, for faults

	number numberRules
	text   textRules
	list   listRules
	object objectRules

	ref                   *Schema
	allOf, anyOf, oneOf   []*Schema
	not                   *Schema
	when, then, otherwise *Schema // if, then, else
	discriminator         *discriminator

	kinds kinds // of values that may be good, all parts considered
}

// kinds are types of values.
type kinds uint8

const (
	kindNull kinds = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindString
	kindList
	kindObject
)

// kindNames are the types as schemas name them, in the order of their bits.
var kindNames = [...]string{"null", "boolean", "integer", "number", "string", "array", "object"}

// kindOf is the type of a value; a number is both or a number only.
func kindOf(v any) kinds {
	switch v := v.(type) {
	case nil:
		return kindNull
	case bool:
		return kindBoolean
	case json.Number:
		if n, ok := parseDecimal(string(v)); ok && n.whole() {
			return kindInteger | kindNumber
		}
		return kindNumber
	case string:
		return kindString
	case []any:
		return kindList
	case map[string]any:
		return kindObject
	}
	return 0
}

// String lists the types for a fault.
func (k kinds) String() string {
	text := ""
	for i, name := range kindNames {
		if k&(1<<i) == 0 {
			continue
		}
		if text != "" {
			text += " or "
		}
		text += name
	}
	return text
}

// Place is where the schema stands.
func (s *Schema) Place() Node { return s.place }
