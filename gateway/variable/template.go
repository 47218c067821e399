package variable

import (
	"fmt"
	"math"
	"strings"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// Kind is how a text is read by who gets it, and so how values are escaped.
type Kind uint8

// Text is plain, Header the value of one field line, JSON and XML are whole
// documents, and Fixed is any other form: it can hold no variable, since nobody
// knows how to escape one there. Raw is what only the gateway reads. Path is a
// part of one, written as in addresses; Query is a value in a query, which is
// escaped as a whole.
const (
	Text Kind = iota
	Header
	JSON
	XML
	Fixed
	Raw
	Path
	Query
)

// KindOf is the kind of texts of a media type, with or without parameters.
func KindOf(contentType string) Kind {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	_, subtype, _ := strings.Cut(media, "/")
	switch {
	case subtype == "json" || strings.HasSuffix(subtype, "+json"):
		return JSON
	case subtype == "xml" || strings.HasSuffix(subtype, "+xml"):
		return XML
	case media == "text/plain":
		return Text
	}
	return Fixed
}

// Place says what a text is for.
type Place struct {
	Kind Kind
	// Problem lets the text name what went wrong.
	Problem bool
	// Secrets are fields and parameters that hold credentials, besides those that
	// always do.
	Secrets []string
	// Inside says that the caller is not shown the text: it may name credentials.
	Inside bool
	// RequestBody lets the text name the body of the request.
	RequestBody bool
	// NoAnswer says that there is none yet that the text could name.
	NoAnswer bool
}

// Values is what variables are read from. X must be set; the rest is for texts
// that tell of a problem.
type Values struct {
	X       *exchange.Exchange
	Problem *problem.Problem
	// Message is what $ERROR_MESSAGE says.
	Message string
	Now     time.Time
	// Bodies reads the bodies that the text names; nil: they are empty.
	Bodies *message.Bodies
	// Most is how many bytes of all values together are written; 0: all. A value
	// that is cut for it ends with U+2026.
	Most int
	// Cut is set when a value was.
	Cut bool
}

// Template is a text with its variables found. It is immutable.
type Template struct {
	parts []part
	kind  Kind
	uses  uses
}

// part is a piece of text, then a variable unless read is nil.
type part struct {
	literal string
	read    read
	form    form
}

// form is how a value is written.
type form uint8

const (
	escaped  form = iota
	inQuotes      // JSON: as a string of its own
	asItIs        // it is JSON, or a path, already
)

// Parse takes a text apart. The error is config.Faults with the position of each
// mistake. "$${" stands for "${".
func Parse(text string, place Place) (*Template, error) {
	p := &parser{place: place, template: &Template{kind: place.Kind}}
	p.run(text)
	if len(p.faults) == 0 {
		p.wellFormed()
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.template, nil
}

// parser takes one text apart.
type parser struct {
	place    Place
	template *Template
	literal  strings.Builder // since the last variable
	sample   strings.Builder // the text with something in place of each variable
	scanner  scanner
	faults   config.Faults
}

func (p *parser) fault(at int, format string, args ...any) {
	p.faults = append(p.faults, config.Fault{Message: fmt.Sprintf("at character %d: ", at) + fmt.Sprintf(format, args...)})
}

func (p *parser) run(text string) {
	rest, at := text, 0 // at counts bytes of text that are behind
	for {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			p.text(rest)
			break
		}
		p.text(rest[:i])
		rest, at = rest[i:], at+i
		n := p.dollar(rest, characters(text[:at]))
		rest, at = rest[n:], at+n
	}
	if p.literal.Len() > 0 {
		p.template.parts = append(p.template.parts, part{literal: p.sinceLast()})
	}
}

// dollar reads what begins with a dollar sign, and returns its length.
func (p *parser) dollar(rest string, at int) int {
	switch {
	case strings.HasPrefix(rest, "$${"):
		p.text("${")
		return len("$${")
	case strings.HasPrefix(rest, "${"):
		end := closing(rest)
		if end < 0 {
			p.fault(at, "${ without }; write $${ for these two characters")
			return len(rest)
		}
		p.variable(rest[:end+1], rest[2:end], at)
		return end + 1
	}
	if p.place.Problem {
		if name := capitals(rest[1:]); words[name] != nil {
			p.variable(rest[:1+len(name)], name, at)
			return 1 + len(name)
		}
	}
	p.text("$")
	return 1
}

// closing is where a variable ends: at the first brace, unless that belongs to an
// expression in brackets; -1: nowhere.
func closing(rest string) int {
	brace, bracket := strings.IndexByte(rest, '}'), strings.IndexByte(rest, '[')
	if bracket < 0 || brace < bracket {
		return brace
	}
	if end := strings.Index(rest, "]}"); end >= 0 {
		return end + 1
	}
	return -1
}

// capitals is the longest beginning of text that a word such as ERROR_MESSAGE
// can be.
func capitals(text string) string {
	end := 0
	for end < len(text) && (text[end] >= 'A' && text[end] <= 'Z' || text[end] == '_') {
		end++
	}
	return text[:end]
}

func (p *parser) text(text string) {
	p.literal.WriteString(text)
	p.sample.WriteString(text)
	p.scanner.feed(p.place.Kind, text)
}

// variable adds one that is written so, and is called name.
func (p *parser) variable(written, name string, at int) {
	v, err := find(written, name, p.place)
	if err != nil {
		p.fault(at, "%s", err)
		return
	}
	quotes, err := p.scanner.admit(p.place.Kind, written)
	if err != nil {
		p.fault(at, "%s", err)
		return
	}
	one := part{literal: p.sinceLast(), read: v.read}
	switch quotes = quotes && !v.number; {
	case quotes && v.value != nil:
		one.read, one.form = v.value, asItIs
	case quotes:
		one.form = inQuotes
	case p.place.Kind == Path && v.path:
		one.form = asItIs
	}
	p.template.uses |= v.uses
	p.template.parts = append(p.template.parts, one)
	p.sample.WriteString(example(v.number, one.form))
}

// example is what stands for a variable where a text is tried.
func example(number bool, form form) string {
	switch {
	case number:
		return "1"
	case form == inQuotes:
		return `"x"`
	case form == asItIs:
		return "[]" // neither a name nor a part of anything
	}
	return "x"
}

// sinceLast is the text since the last variable.
func (p *parser) sinceLast() string {
	text := p.literal.String()
	p.literal.Reset()
	if p.place.Kind == Query {
		return string(appendEscaped(nil, []byte(text)))
	}
	return text
}

// Fixed reports whether the text is the same for every request.
func (t *Template) Fixed() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].read == nil
}

// ReadsRequest reports whether the text names the body of the request.
func (t *Template) ReadsRequest() bool { return t.uses&ofRequestBody != 0 }

// ReadsAnswer reports whether the text names the body of the answer.
func (t *Template) ReadsAnswer() bool { return t.uses&ofAnswerBody != 0 }

// Append writes the text to dst. It allocates nothing that dst has room for.
func (t *Template) Append(dst []byte, v *Values) []byte {
	left := v.Most
	if left == 0 {
		left = math.MaxInt
	}
	for i := range t.parts {
		p := &t.parts[i]
		if dst = append(dst, p.literal...); p.read == nil {
			continue
		}
		if p.form == inQuotes {
			dst = append(dst, '"')
		}
		start, before := len(dst), left
		dst = p.read(dst, v)
		long := len(dst)-start > before
		v.Cut = v.Cut || long
		switch dst, left = cut(dst, start, left); {
		case p.form != asItIs:
			dst = escape(dst, start, t.kind)
		case long && t.kind == JSON:
			dst = append(dst[:start], "null"...) // a part of a value is none
		}
		if p.form == inQuotes {
			dst = append(dst, '"')
		}
	}
	return dst
}

func characters(text string) int { return len([]rune(text)) + 1 }
