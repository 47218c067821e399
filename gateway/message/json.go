package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"postern/gateway/claim"
)

// ErrMalformed: a body is not what an expression looks into, such as JSON. Whoever
// looks for something has not found it; whoever must hide something must not let
// it pass.
var ErrMalformed = errors.New("body is malformed")

// ErrTooMuch: a body, or looking into it, is too much work.
var ErrTooMuch = errors.New("body takes too long to look into")

// What a document may have at most, JSON or XML.
const (
	maxDepth = 100
	maxNodes = 250_000
)

// object is a body's JSON, read when it is first asked for.
type object struct {
	exact any // numbers are json.Number
	loose any // numbers are int64 or float64 where they fit, for comparisons
	err   error
	known bool
}

// JSON is the body's value: string, bool, nil, json.Number, []any or
// map[string]any. Names of members are unique. It is not to be changed. The error
// is ErrMalformed, ErrTooMuch or a *problem.Problem.
func (m *Message) JSON() (any, error) {
	if o := &m.object; !o.known {
		o.known = true
		text, err := m.Text()
		if err == nil {
			err = m.reserve(jsonCost(text))
		}
		if err == nil {
			o.exact, err = ParseJSON(text)
		}
		o.err = err
	}
	return m.object.exact, m.object.err
}

// loose is JSON with numbers that can be compared.
func (m *Message) loose() (any, error) {
	o := &m.object
	if _, err := m.JSON(); err != nil {
		return nil, err
	}
	if o.loose == nil {
		if err := m.reserve(jsonCost(m.text.bytes)); err != nil {
			return nil, err
		}
		o.loose = loosen(o.exact)
	}
	return o.loose, nil
}

// ParseJSON reads one value as RFC 8259 has it, and as I-JSON, whose names are
// unique: two readers would take another one each.
func ParseJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errNoJSON
	}
	r := jsonReader{text: text, left: maxNodes}
	value, err := r.value(0)
	if err == nil && r.next() != 0 {
		err = errNoJSON
	}
	return value, err
}

// ParseJSON is the function for a text that stands in the body, or was made of it:
// what becomes of it is counted as of the body. The error can be a *problem.Problem.
func (m *Message) ParseJSON(text []byte) (any, error) {
	if err := m.reserve(jsonCost(text)); err != nil {
		return nil, err
	}
	return ParseJSON(text)
}

var (
	errNoJSON  = fmt.Errorf("%w: not JSON", ErrMalformed)
	errTwice   = fmt.Errorf("%w: an object has a member twice", ErrMalformed)
	errTooMuch = fmt.Errorf("%w: more than %d values, or more than %d in each other", ErrTooMuch, maxNodes, maxDepth)
)

// literal is the one that begins with c; "": none does.
func literal(c byte) (text string, value any) {
	switch c {
	case 't':
		return "true", true
	case 'f':
		return "false", false
	case 'n':
		return "null", nil
	}
	return "", nil
}

// jsonReader reads a text from at on.
type jsonReader struct {
	text []byte
	at   int
	left int // values
}

// next is the next byte that is no white space, which is not consumed; 0: none.
func (r *jsonReader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
		case 0:
			return 1 // stands for no byte of JSON
		default:
			return c
		}
	}
	return 0
}

// take consumes the next byte if it is c.
func (r *jsonReader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) value(depth int) (any, error) {
	if r.left--; r.left < 0 || depth > maxDepth {
		return nil, errTooMuch
	}
	switch c := r.next(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case c == '"':
		return r.string()
	case c == '-' || digit(c):
		return r.number()
	default:
		text, value := literal(c)
		if text == "" || !bytes.HasPrefix(r.text[r.at:], []byte(text)) {
			return nil, errNoJSON
		}
		r.at += len(text)
		return value, nil
	}
}

func (r *jsonReader) object(depth int) (any, error) {
	members := map[string]any{}
	r.at++
	if r.take('}') {
		return members, nil
	}
	for {
		if r.next() != '"' {
			return nil, errNoJSON
		}
		name, err := r.string()
		if err != nil || !r.take(':') {
			return nil, errNoJSON
		}
		if _, twice := members[name]; twice {
			return nil, errTwice
		}
		if members[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
		if r.take('}') {
			return members, nil
		}
		if !r.take(',') {
			return nil, errNoJSON
		}
	}
}

func (r *jsonReader) list(depth int) (any, error) {
	items := []any{}
	r.at++
	if r.take(']') {
		return items, nil
	}
	for {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if r.take(']') {
			return items, nil
		}
		if !r.take(',') {
			return nil, errNoJSON
		}
	}
}

func (r *jsonReader) string() (string, error) {
	start, escaped := r.at, false
	for r.at++; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '\\':
			escaped = true
			r.at++
		case c < ' ':
			return "", errNoJSON
		case c == '"':
			r.at++
			if !escaped {
				return string(r.text[start+1 : r.at-1]), nil
			}
			var text string
			if json.Unmarshal(r.text[start:r.at], &text) != nil {
				return "", errNoJSON
			}
			return text, nil
		}
	}
	return "", errNoJSON
}

// number is -?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?
func (r *jsonReader) number() (any, error) {
	start := r.at
	r.one("-")
	if !r.one("0") && r.digits() == 0 {
		return nil, errNoJSON
	}
	if r.one(".") && r.digits() == 0 {
		return nil, errNoJSON
	}
	if r.one("eE") {
		r.one("+-")
		if r.digits() == 0 {
			return nil, errNoJSON
		}
	}
	return json.Number(r.text[start:r.at]), nil
}

// one consumes a byte that is one of these.
func (r *jsonReader) one(of string) bool {
	if r.at < len(r.text) && strings.IndexByte(of, r.text[r.at]) >= 0 {
		r.at++
		return true
	}
	return false
}

func (r *jsonReader) digits() (n int) {
	for ; r.at < len(r.text) && digit(r.text[r.at]); r.at++ {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// loosen copies a value with numbers that can be compared.
func loosen(v any) any {
	switch v := v.(type) {
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			members[name] = loosen(member)
		}
		return members
	case []any:
		items := make([]any, len(v))
		for i := range v {
			items[i] = loosen(v[i])
		}
		return items
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
	}
	return v
}

// textOf is a found value as text; lists, objects and null have none.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return claim.Text(v)
}
