package definition

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"postern/gateway/message"
	"postern/gateway/schema"
)

// Parameter is what a definition says of one parameter, header or form field.
type Parameter struct {
	name       string // of a header in small letters
	required   bool
	allowEmpty bool
	style      style
	explode    bool
	asJSON     bool  // its text is JSON
	types      types // of a part; nil: any
	schema     *schema.Schema
	shape      *shape
}

// Headers visits the fields of a message.
type Headers func(visit func(name, value []byte))

// What a parameter can be at fault for beside its schema.
const (
	isMissing   = "is missing"
	isTwice     = "stands there more than once"
	isUnknown   = "is not known here"
	isBroken    = "is not encoded as it must be"
	isMalformed = "is malformed"
)

// judge compares what was found of p with its schema.
func (p *Parameter) judge(c *schema.Check, found taken) {
	switch {
	case found.fault != "":
		c.Add(p.place(), found.fault)
	case !found.there:
		if p.required {
			c.Add(p.place(), isMissing)
		}
	case p.schema != nil && !(p.allowEmpty && found.value == ""):
		c.Value(p.schema, p.place(), found.value)
	}
}

// place is where faults of p are.
func (p *Parameter) place() string { return "/" + pointerToken(p.name) }

// pointerToken writes a name as a token of a JSON pointer (RFC 6901 3).
func pointerToken(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// CheckPath judges what stands in the path.
func (f *Found) CheckPath(c *schema.Check) {
	for _, p := range f.path {
		for _, v := range f.values {
			if v.name == p.name {
				p.judge(c, p.fromPath(c, v.raw))
			}
		}
	}
}

// CheckQuery judges a query. Parameters that the definition does not have are at
// fault only where others are not allowed.
func (o *Operation) CheckQuery(c *schema.Check, query []byte, others bool) {
	pairs, fault := splitQuery(string(query))
	if fault != "" {
		c.Add("", fault)
		return
	}
	for _, p := range o.query {
		p.judge(c, p.fromPairs(c, pairs))
	}
	if !others {
		unknown(c, pairs)
	}
}

// unknown reports what belongs to no parameter, each name once.
func unknown(c *schema.Check, pairs []pair) {
	var reported map[string]bool
	for i := range pairs {
		if name := pairs[i].name; !pairs[i].used && !reported[name] {
			if reported == nil {
				reported = map[string]bool{}
			}
			reported[name] = true
			c.Add("/"+pointerToken(schema.Shorten(name, maxName)), isUnknown)
		}
	}
}

// maxName bounds the names that faults repeat.
const maxName = 100

// CheckHeaders judges the fields of a request.
func (o *Operation) CheckHeaders(c *schema.Check, fields Headers) { checkFields(c, o.header, fields) }

// CheckHeaders judges the fields of an answer.
func (a *Answer) CheckHeaders(c *schema.Check, fields Headers) { checkFields(c, a.headers, fields) }

func checkFields(c *schema.Check, parameters []*Parameter, fields Headers) {
	for _, p := range parameters {
		text, there := "", false
		fields(func(name, value []byte) {
			if !strings.EqualFold(string(name), p.name) {
				return
			}
			if there {
				text += ","
			}
			text, there = text+string(value), true
		})
		if !there {
			p.judge(c, taken{})
			continue
		}
		p.judge(c, p.fromText(c, text))
	}
}

// CheckCookies judges the cookies of a request.
func (o *Operation) CheckCookies(c *schema.Check, fields Headers) {
	if len(o.cookie) == 0 {
		return
	}
	var pairs []pair
	fields(func(name, value []byte) {
		if !strings.EqualFold(string(name), "Cookie") {
			return
		}
		for part := range strings.SplitSeq(string(value), ";") {
			if len(pairs) == maxPairs {
				return
			}
			name, raw, _ := strings.Cut(strings.Trim(part, " \t"), "=")
			raw = strings.TrimSuffix(strings.TrimPrefix(raw, `"`), `"`)
			pairs = append(pairs, pair{name: name, raw: raw, literal: true, parse: message.ParseJSON})
		}
	})
	if len(pairs) == maxPairs {
		c.Add("", "holds too many parameters")
		return
	}
	for _, p := range o.cookie {
		p.judge(c, p.fromPairs(c, pairs))
	}
}

// pair is a name and its text, which is decoded when it was taken apart.
type pair struct {
	name, raw string
	literal   bool // nothing in raw is escaped
	parse     parse
	used      bool
}

// text is what a part of raw says.
func (p *pair) text(raw string) (text string, fault string) {
	if p.literal {
		return raw, validText(raw)
	}
	text, err := url.QueryUnescape(raw)
	if err != nil {
		return "", isBroken
	}
	return text, validText(text)
}

func validText(text string) string {
	if !utf8.ValidString(text) {
		return isBroken
	}
	return ""
}

// maxPairs bounds what is compared with each parameter.
const maxPairs = 10_000

// splitQuery takes a query apart, and decodes names.
func splitQuery(query string) (pairs []pair, fault string) {
	if strings.Count(query, "&") >= maxPairs {
		return nil, "holds too many parameters"
	}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, raw, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || !utf8.ValidString(name) {
			return nil, "holds a name that " + isBroken
		}
		pairs = append(pairs, pair{name: name, raw: raw, parse: message.ParseJSON})
	}
	return pairs, ""
}
