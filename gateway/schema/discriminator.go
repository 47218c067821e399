package schema

import "strings"

// discriminator picks one of several schemas by a member's value (OpenAPI 3.1,
// 4.8.25). Beside neither oneOf nor anyOf it says nothing.
type discriminator struct {
	property string
	mapping  map[string]*Schema
}

// discriminated judges v by the schema that it names.
func (c *Check) discriminated(s *Schema, v any, found *evaluated) bool {
	object, ok := v.(map[string]any)
	if !ok {
		return c.fault("must be object")
	}
	name, ok := object[s.discriminator.property].(string)
	picked := s.discriminator.mapping[name]
	if !ok || picked == nil {
		c.at = append(c.at, token{name: s.discriminator.property})
		defer func() { c.at = c.at[:len(c.at)-1] }()
		return c.fault("must name one of the schemas allowed here")
	}
	return c.eval(picked, v, found)
}

// discriminator reads the one of s, whose oneOf and anyOf were read before.
func (c *Compiler) discriminator(s *Schema, n Node) {
	d := n.Member("discriminator")
	parts := append(append([]*Schema{}, s.oneOf...), s.anyOf...)
	if d.Value == nil || len(parts) == 0 || d.Value != nil && d.Member("propertyName").Text() == "" {
		return
	}
	made := &discriminator{property: d.Member("propertyName").Text(), mapping: map[string]*Schema{}}
	for _, part := range parts {
		if part.ref == nil {
			c.fault(d, "a discriminator needs a $ref in each of oneOf and anyOf")
			return
		}
		place := part.ref.place.Pointer
		made.mapping[place[strings.LastIndexByte(place, '/')+1:]] = part
	}
	mapping, _ := d.Member("mapping").Value.(map[string]any)
	for name := range mapping {
		at := d.Member("mapping").Member(name)
		ref := at.Text()
		if !strings.ContainsAny(ref, "#./") {
			ref = "#/components/schemas/" + ref
		}
		target, err := c.documents.target(n, ref)
		if err != nil {
			c.fault(at, err.Error())
			continue
		}
		made.mapping[name] = c.Compile(target)
	}
	s.discriminator = made
}
