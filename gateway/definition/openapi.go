package definition

import (
	"strings"

	"postern/gateway/schema"
)

// openapi is how OpenAPI 3 writes what Swagger 2 writes otherwise.
type openapi struct{}

func (openapi) parameter(r *reader, n schema.Node) *Parameter {
	in := n.Member("in").Text()
	p := &Parameter{style: simple}
	if in == "query" || in == "cookie" {
		p.style, p.explode = formStyle, true
	}
	if !r.styled(p, n, styles[in]) {
		return nil
	}
	if content, ok := n.Member("content").Value.(map[string]any); ok {
		for kind := range content {
			p.asJSON = isJSON(kind)
			r.shaped(p, n.Member("content").Member(kind).Member("schema"))
		}
		if len(content) != 1 {
			r.compiler.Report(n.Member("content"), "must hold one content type")
		}
		return p
	}
	r.shaped(p, n.Member("schema"))
	return p
}

// styled reads style and explode.
func (r *reader) styled(p *Parameter, n schema.Node, known map[string]style) bool {
	if name := n.Member("style").Text(); name != "" {
		found, ok := known[name]
		if !ok {
			r.compiler.Report(n.Member("style"), "%q is no style for this place", name)
			return false
		}
		p.style, p.explode = found, found == formStyle
	}
	if explode, ok := n.Member("explode").Value.(bool); ok {
		p.explode = explode
	}
	return true
}

// shaped compiles the schema of a parameter; what is made of its text is found
// out when all schemas are known.
func (r *reader) shaped(p *Parameter, n schema.Node) {
	if n.Value == nil {
		return
	}
	p.schema = r.compiler.Compile(n)
	r.later = append(r.later, func() { p.shape = r.shapes.of(p.schema) })
}

func (openapi) header(r *reader, name string, n schema.Node) *Parameter {
	p := openapi{}.parameter(r, n)
	if p != nil {
		p.name, p.style, p.required = name, simple, n.Member("required").Value == true
		p.explode = n.Member("explode").Value == true
	}
	return p
}

func (openapi) body(r *reader, o *Operation, n schema.Node, _ []schema.Node) {
	if !n.Has("requestBody") {
		return
	}
	at, ok := r.resolve(n.Member("requestBody"))
	if !ok {
		return
	}
	o.body = &Body{Required: at.Member("required").Value == true, Content: openapi{}.content(r, at, n)}
	if o.body.Content.IsEmpty() {
		r.compiler.Report(at.Member("content"), "a body without a content type is none")
	}
}

func (openapi) content(r *reader, holder, _ schema.Node) (c Content) {
	n := holder.Member("content")
	object, _ := n.Value.(map[string]any)
	for _, kind := range schema.Sorted(object) {
		at := n.Member(kind)
		m := new(Media)
		if at.Has("schema") {
			m.Schema = r.compiler.Compile(at.Member("schema"))
			if kind := strings.ToLower(kind); strings.HasPrefix(kind, urlencoded) || strings.HasPrefix(kind, "multipart/") || strings.Contains(kind, "*") {
				r.form(m, at.Member("encoding"), strings.HasPrefix(kind, "multipart/"))
			}
		}
		c.add(kind, m)
	}
	return c
}

// form makes fields of the members of a body's schema, when all are known.
func (r *reader) form(m *Media, encodings schema.Node, parts bool) {
	r.later = append(r.later, func() {
		properties := m.Schema.Properties()
		m.form = &form{whole: true}
		for _, name := range schema.Sorted(properties) {
			p := &Parameter{name: name, style: formStyle, explode: true, schema: properties[name], shape: r.shapes.of(properties[name])}
			r.encoded(p, encodings.Member(name), parts)
			m.form.fields = append(m.form.fields, p)
		}
	})
}

// encoded reads how a field of a form is written.
func (r *reader) encoded(p *Parameter, n schema.Node, parts bool) {
	r.styled(p, n, styles["query"])
	for kind := range strings.SplitSeq(n.Member("contentType").Text(), ",") {
		if kind = strings.ToLower(strings.Trim(kind, " \t")); kind == "" {
			continue
		}
		p.asJSON = p.asJSON || isJSON(kind) && !parts
		if parts {
			p.types = append(p.types, kind)
		}
	}
}
