package definition

import (
	"errors"
	"path/filepath"
	"strings"

	"postern/gateway/schema"
	"postern/provisioning/config"
)

// Definition is what an API says of itself. It is immutable and safe for
// concurrent use.
type Definition struct {
	paths      *node
	operations []*Operation // in the order of paths, then of methods
}

// methods are those that a path may have an operation for.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// reader goes through a definition.
type reader struct {
	documents schema.Documents
	compiler  *schema.Compiler
	root      schema.Node
	family    family
	later     []func() // what waits for all schemas to be known
	shapes    shapes
}

// family is what OpenAPI 3 and Swagger 2 write in their own way.
type family interface {
	parameter(r *reader, n schema.Node) *Parameter
	body(r *reader, o *Operation, n schema.Node, parameters []schema.Node)
	content(r *reader, answer, operation schema.Node) Content
	header(r *reader, name string, n schema.Node) *Parameter
}

// New compiles a definition. The error is config.Faults, below the section.
func New(cfg *config.Definition) (*Definition, error) {
	r := &reader{documents: cfg.Documents, shapes: shapes{}}
	first := filepath.Base(cfg.File.Path)
	r.root = schema.Node{File: first, Value: cfg.Documents[first]}
	if err := r.begin(); err != nil {
		return nil, config.Below(err, "file")
	}
	d := &Definition{paths: new(node)}
	paths := r.root.Member("paths")
	object, ok := paths.Value.(map[string]any)
	if !ok || len(object) == 0 {
		r.compiler.Report(paths, "there are no paths")
	}
	for _, name := range schema.Sorted(object) {
		if !strings.HasPrefix(name, "x-") {
			r.path(d, name, paths.Member(name))
		}
	}
	var faults config.Faults
	for _, p := range r.compiler.Finish() {
		faults = append(faults, config.Fault{Path: []any{"file"}, Message: p.Place.String() + ": " + p.Message})
	}
	if faults != nil {
		return nil, faults
	}
	for _, f := range r.later {
		f()
	}
	return d, nil
}

// begin finds out how the definition is written.
func (r *reader) begin() error {
	version := r.root.Member("openapi").Text()
	dialect := r.root.Member("jsonSchemaDialect").Text()
	switch {
	case r.root.Member("swagger").Text() == "2.0":
		r.family = &swagger{}
		r.compiler = schema.NewCompiler(r.documents, true)
	case strings.HasPrefix(version, "3.0."), strings.HasPrefix(version, "3.1."):
		r.family = openapi{}
		r.compiler = schema.NewCompiler(r.documents, strings.HasPrefix(version, "3.0."))
	default:
		return errors.New(r.root.File + `: must begin with swagger: "2.0", openapi: 3.0.x or openapi: 3.1.x`)
	}
	if dialect != "" && !strings.HasPrefix(dialect, "https://spec.openapis.org/oas/3.1/dialect/") && dialect != "https://json-schema.org/draft/2020-12/schema" {
		return errors.New(r.root.File + "#/jsonSchemaDialect: only JSON Schema 2020-12 is known")
	}
	return nil
}

// resolve follows a reference, or reports it.
func (r *reader) resolve(n schema.Node) (schema.Node, bool) {
	found, err := r.documents.Resolve(n)
	if err != nil {
		r.compiler.Report(n, "%v", err)
		return found, false
	}
	if _, ok := found.Value.(map[string]any); !ok {
		r.compiler.Report(n, "must be an object")
		return found, false
	}
	return found, true
}

// path reads the operations of one path.
func (r *reader) path(d *Definition, name string, n schema.Node) {
	item, ok := r.resolve(n)
	if !ok {
		return
	}
	place, fault := d.paths.add(name)
	if fault != "" {
		r.compiler.Report(n, "%s", fault)
		return
	}
	if place.operations == nil {
		place.operations = map[string]*Operation{}
	}
	for _, method := range methods {
		if !item.Has(method) {
			continue
		}
		at, ok := r.resolve(item.Member(method)) // not allowed, and common
		if !ok {
			continue
		}
		method := strings.ToUpper(method)
		if place.operations[method] != nil {
			r.compiler.Report(at, "the definition has the same path and method twice")
			continue
		}
		o := &Operation{Method: method, Path: name, answers: map[string]*Answer{}}
		place.operations[method] = o
		d.operations = append(d.operations, o)
		r.operation(o, item, at)
	}
}

func (r *reader) operation(o *Operation, item, n schema.Node) {
	parameters := r.parameters(item, n)
	for _, at := range parameters {
		r.place(o, at)
	}
	r.family.body(r, o, n, parameters)
	answers, _ := n.Member("responses").Value.(map[string]any)
	for _, status := range schema.Sorted(answers) {
		if !strings.HasPrefix(status, "x-") {
			r.answer(o, n, status)
		}
	}
	if len(o.answers) == 0 {
		r.compiler.Report(n.Member("responses"), "there are none")
	}
}

// parameters are those of an operation, and those of its path that it does not
// say anew.
func (r *reader) parameters(item, operation schema.Node) (all []schema.Node) {
	type earlier struct{ index, level int }
	seen := map[[2]string]earlier{}
	for level, n := range []schema.Node{item.Member("parameters"), operation.Member("parameters")} {
		list, ok := n.Value.([]any)
		if n.Value != nil && !ok {
			r.compiler.Report(n, "must be a list")
		}
		for i := range list {
			at, ok := r.resolve(n.Item(i))
			if !ok {
				continue
			}
			key := [2]string{at.Member("in").Text(), at.Member("name").Text()}
			before, again := seen[key]
			switch {
			case again && before.level == level:
				r.compiler.Report(n.Item(i), "the parameter stands there twice")
			case again:
				all[before.index] = at
				seen[key] = earlier{before.index, level}
			default:
				seen[key] = earlier{len(all), level}
				all = append(all, at)
			}
		}
	}
	return all
}

// place puts a parameter where it is looked for.
func (r *reader) place(o *Operation, n schema.Node) {
	in, name := n.Member("in").Text(), n.Member("name").Text()
	into := map[string]*[]*Parameter{"path": &o.path, "query": &o.query, "header": &o.header, "cookie": &o.cookie}[in]
	switch {
	case in == "body", in == "formData": // body reads them
		return
	case into == nil:
		r.compiler.Report(n.Member("in"), "must be query, path, header or cookie")
		return
	case name == "":
		r.compiler.Report(n.Member("name"), "is missing")
		return
	case in == "path" && !strings.Contains(o.Path, "{"+name+"}"):
		r.compiler.Report(n, "the path has no {%s}", name)
		return
	}
	if in == "header" {
		name = strings.ToLower(name)
		if name == "accept" || name == "content-type" || name == "authorization" {
			return // they are said elsewhere (OpenAPI 3.1, 4.8.12.1)
		}
	}
	if p := r.family.parameter(r, n); p != nil {
		p.name = name
		p.required = n.Member("required").Value == true
		p.allowEmpty = n.Member("allowEmptyValue").Value == true
		*into = append(*into, p)
	}
}

// answer reads what is said of answers with a status.
func (r *reader) answer(o *Operation, operation schema.Node, status string) {
	n, ok := r.resolve(operation.Member("responses").Member(status))
	if !ok {
		return
	}
	key := strings.ToUpper(status)
	if key == "DEFAULT" {
		key = "default"
	} else if len(key) != 3 || key[0] < '1' || key[0] > '5' || key[1:] != "XX" && strings.Trim(key[1:], "0123456789") != "" {
		r.compiler.Report(n, "%q is no status, no class such as 4XX and not default", status)
		return
	}
	a := &Answer{Content: r.family.content(r, n, operation)}
	headers, _ := n.Member("headers").Value.(map[string]any)
	for _, name := range schema.Sorted(headers) {
		at, ok := r.resolve(n.Member("headers").Member(name))
		if !ok || strings.EqualFold(name, "Content-Type") {
			continue
		}
		if p := r.family.header(r, strings.ToLower(name), at); p != nil {
			a.headers = append(a.headers, p)
		}
	}
	o.answers[key] = a
}
