package definition

import (
	"maps"

	"postern/gateway/schema"
)

// swagger is how Swagger 2 writes what OpenAPI 3 writes otherwise.
type swagger struct{}

// collections are its names of styles.
var collections = map[string]style{"csv": simple, "ssv": spaces, "tsv": tabs, "pipes": pipes}

func (swagger) parameter(r *reader, n schema.Node) *Parameter {
	p := &Parameter{style: simple}
	switch name := n.Member("collectionFormat").Text(); {
	case name == "multi":
		p.style, p.explode = formStyle, true
	case name != "":
		found, ok := collections[name]
		if !ok {
			r.compiler.Report(n.Member("collectionFormat"), "must be csv, ssv, tsv, pipes or multi")
		}
		p.style = found
	}
	r.shaped(p, itself(n))
	return p
}

// itself is a parameter as the schema that it is too: without what schemas write
// otherwise. A file is bytes.
func itself(n schema.Node) schema.Node {
	object, _ := n.Value.(map[string]any)
	plain := maps.Clone(object)
	for _, name := range []string{"required", "in", "name", "discriminator"} {
		delete(plain, name)
	}
	if plain["type"] == "file" {
		plain["type"] = "string"
	}
	return schema.Node{File: n.File, Pointer: n.Pointer, Value: plain}
}

func (s swagger) header(r *reader, name string, n schema.Node) *Parameter {
	p := s.parameter(r, n)
	p.name = name
	return p
}

// body reads the parameters that are in the body.
func (s swagger) body(r *reader, o *Operation, n schema.Node, parameters []schema.Node) {
	fields := &form{}
	for _, at := range parameters {
		required := at.Member("required").Value == true
		switch at.Member("in").Text() {
		case "body":
			o.body = &Body{Required: required}
			s := r.compiler.Compile(at.Member("schema"))
			for _, kind := range r.types(n, "consumes", "*/*") {
				o.body.Content.add(kind, &Media{Schema: s})
			}
		case "formData":
			p := s.parameter(r, at)
			p.name, p.required, p.allowEmpty = at.Member("name").Text(), required, at.Member("allowEmptyValue").Value == true
			fields.fields = append(fields.fields, p)
		}
	}
	if fields.fields == nil {
		return
	}
	o.body = &Body{}
	for _, p := range fields.fields {
		o.body.Required = o.body.Required || p.required
	}
	for _, kind := range r.types(n, "consumes", urlencoded, multiparts) {
		o.body.Content.add(kind, &Media{form: fields})
	}
}

// types are the content types of an operation, or those of all.
func (r *reader) types(operation schema.Node, key string, missing ...string) []string {
	for _, n := range []schema.Node{operation.Member(key), r.root.Member(key)} {
		list, ok := n.Value.([]any)
		if !ok {
			continue
		}
		var found []string
		for i := range list {
			found = append(found, n.Item(i).Text())
		}
		if found != nil {
			return found
		}
	}
	return missing
}

func (swagger) content(r *reader, answer, operation schema.Node) (c Content) {
	if !answer.Has("schema") {
		return c
	}
	var s *schema.Schema
	if at := answer.Member("schema"); at.Member("type").Text() != "file" {
		s = r.compiler.Compile(at)
	}
	for _, kind := range r.types(operation, "produces", "*/*") {
		c.add(kind, &Media{Schema: s})
	}
	return c
}
