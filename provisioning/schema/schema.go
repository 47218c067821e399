// Package schema writes the grammar of the bundle as a JSON Schema, for editors.
// It is read from the structs of provisioning/config when it is asked for: their
// yaml tags are the keys, their comments the descriptions. unions.go and words.go
// hold what the structs do not say.
package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"postern/provisioning/config"
)

// object is a JSON object.
type object = map[string]any

// Of is the schema (draft 2020-12) of a file of the configuration. Every key may
// be left out: a file may be one of several. The error names a type without rule.
func Of() (map[string]any, error) {
	comments, err := readComments(config.Source())
	if err != nil {
		return nil, err
	}
	g := &generator{unions: unions(), comments: comments, defs: object{"text": scalar}}
	root, err := g.of(reflect.TypeFor[config.Config](), field{})
	if err != nil {
		return nil, err
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "urn:postern:schema"
	root["title"] = "Postern configuration"
	root["$defs"] = g.defs
	return root, nil
}

// generator makes one schema.
type generator struct {
	unions   map[reflect.Type]rule
	comments comments
	defs     object // the structs met so far, by name
}

// field is what a struct says about the value of one key.
type field struct {
	none  bool     // the word none is allowed
	empty bool     // a list may be empty
	zero  bool     // a number may be 0
	words []string // the only ones allowed; nil: any
}

// of is the schema of a type where it stands in a field.
func (g *generator) of(t reflect.Type, f field) (object, error) {
	if rule := g.unions[t]; rule != nil {
		return rule(g, f)
	}
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.String && g.unions[t.Elem()] == nil {
			return object{"type": scalar["type"]}, nil // it may be ""
		}
		return g.of(t.Elem(), f)
	case reflect.Struct:
		return g.reference(t)
	case reflect.Slice:
		items, err := g.of(t.Elem(), field{words: f.words})
		list := object{"type": "array", "items": items}
		if !f.empty {
			list["minItems"] = 1
		}
		return list, err
	case reflect.String:
		return text(f.words), nil
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int:
		if f.zero {
			return object{"type": "integer", "minimum": 0}, nil
		}
		return object{"type": "integer", "minimum": 1}, nil
	}
	return nil, fmt.Errorf("no rule for %s: register it in provisioning/schema/unions.go", t)
}

// reference is the schema of a struct, which stands once, under its name.
func (g *generator) reference(t reflect.Type) (object, error) {
	ref := object{"$ref": "#/$defs/" + t.Name()}
	if _, known := g.defs[t.Name()]; known {
		return ref, nil
	}
	g.defs[t.Name()] = object{} // for a struct that holds itself
	made, err := g.mapping(t)
	g.defs[t.Name()] = made
	return ref, err
}

// mapping is an object with the keys of a struct.
func (g *generator) mapping(t reflect.Type) (object, error) {
	properties := object{}
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		allow := f.Tag.Get("allow")
		name := t.Name() + "." + key
		property, err := g.of(f.Type, field{
			none: strings.Contains(allow, "none"), empty: strings.Contains(allow, "empty"), zero: strings.Contains(allow, "zero"), words: words()[name],
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if slices.Contains(anyCase(), name) {
			property = inAnyCase(words()[name])
		}
		if comment := g.comments[t.Name()+"."+f.Name]; comment != "" {
			property["description"] = comment
		}
		properties[key] = property
	}
	if len(properties) == 0 {
		return nil, fmt.Errorf("no rule for %s, which has no yaml tag: register it in provisioning/schema/unions.go", t)
	}
	made := object{"type": "object", "properties": properties, "additionalProperties": false}
	if comment := g.comments[t.Name()]; comment != "" {
		made["description"] = comment
	}
	return made, nil
}

// scalar is a text, and what YAML makes of one that is not quoted: version: 1.0.
var scalar = object{"type": []string{"string", "number", "boolean"}, "minLength": 1}

// text is a text that is not empty, or one of some words.
func text(words []string) object {
	if words == nil {
		return object{"$ref": "#/$defs/text"}
	}
	return oneOf(words)
}
