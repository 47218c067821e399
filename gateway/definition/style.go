package definition

import (
	"net/url"
	"strings"

	"postern/gateway/message"
	"postern/gateway/schema"
)

// style is how lists and objects are written (OpenAPI 3.1, 4.8.12).
type style uint8

const (
	simple style = iota
	formStyle
	spaces
	pipes
	tabs // Swagger 2
	deepObject
	label
	matrix
)

// styles are their names, by the places where they are allowed.
var styles = map[string]map[string]style{
	"query":  {"form": formStyle, "spaceDelimited": spaces, "pipeDelimited": pipes, "deepObject": deepObject},
	"cookie": {"form": formStyle},
	"header": {"simple": simple},
	"path":   {"simple": simple, "label": label, "matrix": matrix},
}

// separators are what stands between items, as it may be written in a query.
var separators = map[style][]string{
	simple: {","}, formStyle: {","}, spaces: {"%20", "+", " "}, pipes: {"|", "%7C", "%7c"}, tabs: {"%09", "\t"},
}

// taken is what was found of a parameter.
type taken struct {
	value any
	there bool
	fault string
}

func (p *Parameter) split(raw string) []string {
	marks := separators[p.style]
	for _, other := range marks[1:] {
		raw = strings.ReplaceAll(raw, other, marks[0])
	}
	return strings.Split(raw, marks[0])
}

// splits is how often split takes a text apart; 0 where it does not.
func (p *Parameter) splits(raw string) (n int) {
	if p.asJSON || !p.shape.isList() && !p.shape.isObject() {
		return 0
	}
	for _, mark := range separators[p.style] {
		n += strings.Count(raw, mark)
	}
	return n
}

// fromPairs takes p out of a query, cookies or a form, and marks what is its.
func (p *Parameter) fromPairs(c *schema.Check, pairs []pair) taken {
	if p.style == deepObject {
		return p.fromDeep(c, pairs)
	}
	if p.shape.isObject() && p.explode && !p.asJSON {
		return p.fromMembers(c, pairs)
	}
	var found []*pair
	for i := range pairs {
		if pairs[i].name == p.name {
			pairs[i].used = true
			found = append(found, &pairs[i])
		}
	}
	several := p.explode && p.style == formStyle && (p.shape.isList() || len(found) > 1 && p.shape.mayBeList())
	switch {
	case len(found) == 0:
		return taken{}
	case several && !p.asJSON:
		list := make([]any, 0, len(found))
		for _, one := range found {
			text, fault := one.text(one.raw)
			if fault != "" {
				return taken{fault: fault}
			}
			list = append(list, p.shape.item().scalar(c, text))
		}
		return taken{value: list, there: true}
	case len(found) > 1:
		return taken{fault: isTwice}
	}
	if p.asJSON {
		text, fault := found[0].text(found[0].raw)
		return fromJSON(text, fault, found[0].parse)
	}
	return p.fromRaw(c, found[0].raw, found[0].text)
}

// fromText takes p out of a text in which nothing is escaped.
func (p *Parameter) fromText(c *schema.Check, text string) taken {
	return p.fromRaw(c, text, func(raw string) (string, string) {
		raw = strings.Trim(raw, " \t")
		return raw, validText(raw)
	})
}

// fromRaw takes a value apart, then decodes its parts.
func (p *Parameter) fromRaw(c *schema.Check, raw string, decode func(string) (string, string)) taken {
	if p.splits(raw) > maxPairs {
		return taken{fault: "holds too many items"}
	}
	if !p.asJSON && p.shape.isList() && p.style != deepObject {
		return p.list(c, p.split(raw), decode)
	}
	if !p.asJSON && p.shape.isObject() {
		return p.object(c, p.split(raw), decode)
	}
	text, fault := decode(raw)
	switch {
	case p.asJSON:
		return fromJSON(text, fault, message.ParseJSON)
	case fault != "":
		return taken{fault: fault}
	}
	return taken{value: p.shape.scalar(c, text), there: true}
}

// fromJSON is the value that a text stands for, unless it has a fault.
func fromJSON(text, fault string, read parse) taken {
	if fault != "" {
		return taken{fault: fault}
	}
	value, err := read([]byte(text))
	if err != nil {
		return taken{fault: "must be JSON"}
	}
	return taken{value: value, there: true}
}

func (p *Parameter) list(c *schema.Check, parts []string, decode func(string) (string, string)) taken {
	if len(parts) == 1 && parts[0] == "" {
		return taken{value: []any{}, there: true}
	}
	list := make([]any, 0, len(parts))
	for _, part := range parts {
		text, fault := decode(part)
		if fault != "" {
			return taken{fault: fault}
		}
		list = append(list, p.shape.item().scalar(c, text))
	}
	return taken{value: list, there: true}
}

// object makes one of name,text,name,text or, exploded, of name=text,name=text.
func (p *Parameter) object(c *schema.Check, parts []string, decode func(string) (string, string)) taken {
	object := map[string]any{}
	for i := 0; i < len(parts); i++ {
		name, raw, ok := strings.Cut(parts[i], "=")
		if !p.explode {
			if name, ok = parts[i], i+1 < len(parts); ok {
				i++
				raw = parts[i]
			}
		}
		name, fault := decode(name)
		text, other := decode(raw)
		switch {
		case !ok:
			return taken{fault: isMalformed}
		case fault != "" || other != "":
			return taken{fault: isBroken}
		}
		if _, twice := object[name]; twice {
			return taken{fault: isMalformed}
		}
		object[name] = p.shape.member(name).scalar(c, text)
	}
	return taken{value: object, there: true}
}

// fromMembers makes an object whose members stand in the query by themselves:
// those that its schema names.
func (p *Parameter) fromMembers(c *schema.Check, pairs []pair) taken {
	object := map[string]any{}
	for name, s := range p.shape.members {
		member := Parameter{name: name, style: formStyle, explode: true, shape: s}
		found := member.fromPairs(c, pairs)
		if found.fault != "" {
			return taken{fault: found.fault}
		}
		if found.there {
			object[name] = found.value
		}
	}
	return taken{value: object, there: len(object) > 0}
}

// fromPath takes p out of a segment.
func (p *Parameter) fromPath(c *schema.Check, raw string) taken {
	decode := func(part string) (string, string) {
		text, err := url.PathUnescape(part)
		if err != nil {
			return "", isBroken
		}
		return text, validText(text)
	}
	switch p.style {
	case label:
		rest, ok := strings.CutPrefix(raw, ".")
		if !ok {
			return taken{fault: isMalformed}
		}
		return p.prefixed(c, rest, ".", decode)
	case matrix:
		rest, ok := strings.CutPrefix(raw, ";")
		if !ok {
			return taken{fault: isMalformed}
		}
		if p.explode && p.shape.isObject() {
			return p.prefixed(c, rest, ";", decode)
		}
		parts := strings.Split(rest, ";")
		for i := range parts {
			if parts[i], ok = strings.CutPrefix(parts[i], p.name+"="); !ok {
				return taken{fault: isMalformed}
			}
		}
		if !p.explode && len(parts) > 1 {
			return taken{fault: isTwice}
		}
		return p.prefixed(c, strings.Join(parts, ";"), ";", decode)
	}
	return p.fromRaw(c, raw, decode)
}

// prefixed is what follows the mark of label and matrix: parts are separated by
// that mark where they are exploded, and by commas elsewhere.
func (p *Parameter) prefixed(c *schema.Check, raw, mark string, decode func(string) (string, string)) taken {
	separator := ","
	if p.explode {
		separator = mark
	}
	switch {
	case p.asJSON:
	case p.shape.isList():
		return p.list(c, strings.Split(raw, separator), decode)
	case p.shape.isObject():
		return p.object(c, strings.Split(raw, separator), decode)
	}
	one := *p
	one.style = simple
	return one.fromRaw(c, raw, decode)
}
