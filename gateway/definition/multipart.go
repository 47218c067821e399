package definition

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"postern/gateway/schema"
)

// maxParts bounds the parts of a form.
const maxParts = 1000

// part is one of a form's parts.
type part struct {
	name, kind string
	file       bool
	content    []byte
	parse      parse
	used       bool
}

// checkParts judges a form of parts (RFC 7578).
func (f *filled) checkParts(c *schema.Check, text []byte, boundary string) {
	parts, fault := splitParts(text, boundary)
	if fault != "" {
		c.Add("", fault)
		return
	}
	for i, parse := 0, f.parse; i < len(parts); i++ {
		parts[i].parse = parse
	}
	values := map[string]any{}
	for _, field := range f.fields {
		if !f.keep(c, field, field.fromParts(c, parts), values) {
			return
		}
	}
	if !f.whole {
		return
	}
	for i := range parts {
		p := &parts[i]
		if p.used {
			continue
		}
		if _, twice := values[p.name]; twice {
			c.Add("/"+pointerToken(schema.Shorten(p.name, maxName)), isTwice)
			return
		}
		values[p.name] = string(p.content)
	}
	c.Value(f.schema, "", values)
}

// inPieces reports whether a parameter of a field is written in pieces, or in
// another charset (RFC 2231). Some readers know that, and others take the plain one
// beside it, so in forms it is not used (RFC 7578 4.2).
func inPieces(field, parameter string) bool {
	for part := range strings.SplitSeq(strings.ToLower(field), ";") {
		if strings.HasPrefix(strings.TrimLeft(part, " \t\r\n"), parameter+"*") {
			return true
		}
	}
	return false
}

// splitParts takes a body apart; a fault says why it cannot be.
func splitParts(text []byte, boundary string) (parts []part, fault string) {
	if boundary == "" {
		return nil, "has no boundary"
	}
	r := multipart.NewReader(bytes.NewReader(text), boundary)
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts, ""
		}
		if err != nil || len(parts) == maxParts {
			return nil, "must be parts of a form, with a name each"
		}
		made, ok := readPart(p)
		if !ok {
			return nil, "must be parts of a form, with a name each"
		}
		parts = append(parts, made)
	}
}

// readPart reads one as it stands: a coding of its own is not used any more (RFC
// 7578 4.7), and whoever undoes it would read something else.
func readPart(p *multipart.Part) (made part, ok bool) {
	made.name, made.file = p.FormName(), p.FileName() != ""
	switch strings.ToLower(p.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
	default:
		return made, false
	}
	for _, name := range []string{"Content-Disposition", "Content-Type"} {
		if len(p.Header[name]) > 1 {
			return made, false
		}
	}
	if inPieces(p.Header.Get("Content-Disposition"), "name") {
		return made, false
	}
	made.kind = "text/plain"
	if stated := p.Header.Get("Content-Type"); stated != "" {
		kind, _, err := mime.ParseMediaType(stated)
		if err != nil {
			return made, false
		}
		made.kind = kind
	}
	var err error
	made.content, err = io.ReadAll(p)
	return made, err == nil && made.name != ""
}

// fromParts takes p out of a form.
func (p *Parameter) fromParts(c *schema.Check, parts []part) taken {
	var list []any
	for i := range parts {
		if parts[i].name != p.name {
			continue
		}
		parts[i].used = true
		s := p.shape
		if s.isList() && !p.asJSON {
			s = s.item()
		}
		value, fault := p.fromPart(c, &parts[i], s)
		if fault != "" {
			return taken{fault: fault}
		}
		list = append(list, value)
	}
	switch {
	case len(list) == 0:
		return taken{}
	case p.shape.isList() && !p.asJSON:
		return taken{value: list, there: true}
	case len(list) > 1:
		return taken{fault: isTwice}
	}
	return taken{value: list[0], there: true}
}

// fromPart is the value of one part.
func (p *Parameter) fromPart(c *schema.Check, one *part, s *shape) (value any, fault string) {
	if p.types != nil && !p.types.allow(one.kind) {
		return nil, "is of a content type that is not allowed"
	}
	if isJSON(one.kind) || p.asJSON || s.isObject() {
		value, err := one.parse(one.content)
		if err != nil {
			return nil, "must be JSON"
		}
		return value, ""
	}
	if one.file || !isText(one.kind) {
		return string(one.content), "" // bytes, whatever they are
	}
	if fault := validText(string(one.content)); fault != "" {
		return nil, fault
	}
	return s.scalar(c, string(one.content)), ""
}

// types are the content types that a part may have, ranges among them.
type types []string

func (t types) allow(kind string) bool {
	for _, r := range t {
		prefix, wild := strings.CutSuffix(r, "*")
		if r == kind || r == "*/*" || wild && strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}
