package introspect

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep claims may nest.
const maxDepth = 32

// What a parsed value occupies, roughly: what the cache accounts for it.
const (
	valueCost  = 56
	objectCost = 320
)

// jsonReader reads one JSON text strictly: valid UTF-8, no member twice in an
// object at any depth, no unpaired surrogate, nothing after the end. Readers
// that differ in these points would otherwise see different claims in one
// token. Strings and numbers alias the text.
type jsonReader struct {
	text string
	at   int
	cost int // of what was read
}

// parseObject reads text, which must be one JSON object.
func parseObject(text string) (object map[string]any, cost int, err error) {
	r := jsonReader{text: text, cost: len(text)}
	if !utf8.ValidString(text) {
		return nil, 0, r.fault("invalid UTF-8")
	}
	r.space()
	if r.peek() != '{' {
		return nil, 0, r.fault("not an object")
	}
	if object, err = r.object(1); err != nil {
		return nil, 0, err
	}
	r.space()
	if r.at != len(text) {
		return nil, 0, r.fault("text after the end")
	}
	return object, r.cost, nil
}

func (r *jsonReader) fault(what string) error {
	return fmt.Errorf("JSON at byte %d: %s", r.at, what)
}

func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 at the end: a byte that no JSON text may hold.
func (r *jsonReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *jsonReader) accept(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) value(depth int) (any, error) {
	r.cost += valueCost
	switch c := r.peek(); {
	case c == '"':
		return r.string()
	case c == '{':
		return r.object(depth + 1)
	case c == '[':
		return r.array(depth + 1)
	case c == '-' || '0' <= c && c <= '9':
		return r.number()
	}
	switch {
	case r.word("true"):
		return true, nil
	case r.word("false"):
		return false, nil
	case r.word("null"):
		return nil, nil
	}
	return nil, r.fault("no value")
}

func (r *jsonReader) word(w string) bool {
	if !strings.HasPrefix(r.text[r.at:], w) {
		return false
	}
	r.at += len(w)
	return true
}

func (r *jsonReader) object(depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, r.fault("nested too deep")
	}
	r.at++
	r.space()
	if r.accept('}') {
		return map[string]any{}, nil
	}
	r.cost += objectCost
	object := make(map[string]any, 8)
	for {
		if err := r.member(object, depth); err != nil {
			return nil, err
		}
		r.space()
		if r.accept('}') {
			return object, nil
		}
		if !r.accept(',') {
			return nil, r.fault("no comma between members")
		}
	}
}

func (r *jsonReader) member(object map[string]any, depth int) error {
	r.space()
	if r.peek() != '"' {
		return r.fault("no member name")
	}
	name, err := r.string()
	if err != nil {
		return err
	}
	if _, twice := object[name]; twice {
		return r.fault("member stands twice")
	}
	r.space()
	if !r.accept(':') {
		return r.fault("no colon after a name")
	}
	r.space()
	object[name], err = r.value(depth)
	return err
}

func (r *jsonReader) array(depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, r.fault("nested too deep")
	}
	r.at++
	list := []any{}
	r.space()
	if r.accept(']') {
		return list, nil
	}
	for {
		r.space()
		item, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
		r.space()
		if r.accept(']') {
			return list, nil
		}
		if !r.accept(',') {
			return nil, r.fault("no comma between items")
		}
	}
}

// string reads a string; one without escapes is a piece of the text.
func (r *jsonReader) string() (string, error) {
	r.at++
	begin := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return r.text[begin : r.at-1], nil
		case c == '\\':
			return r.escaped(begin)
		case c < ' ':
			return "", r.fault("control character")
		}
	}
	return "", r.fault("string has no end")
}

// escaped reads the rest of a string from its first escape on.
func (r *jsonReader) escaped(begin int) (string, error) {
	var b strings.Builder
	b.WriteString(r.text[begin:r.at])
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			r.cost += b.Cap()
			return b.String(), nil
		case c < ' ':
			return "", r.fault("control character")
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		char, err := r.escape()
		if err != nil {
			return "", err
		}
		b.WriteRune(char)
	}
	return "", r.fault("string has no end")
}

// escape reads what follows a backslash.
func (r *jsonReader) escape() (rune, error) {
	c := r.peek()
	r.at++
	if c == 'u' {
		return r.unicode()
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(from, c); i >= 0 {
		return rune(to[i]), nil
	}
	return 0, r.fault("unknown escape")
}

// unicode reads the digits of \uXXXX, and the second half of a pair.
func (r *jsonReader) unicode() (rune, error) {
	char, ok := r.hex()
	if ok && !utf16.IsSurrogate(char) {
		return char, nil
	}
	if ok && r.accept('\\') && r.accept('u') {
		second, _ := r.hex()
		if char = utf16.DecodeRune(char, second); char != utf8.RuneError {
			return char, nil
		}
	}
	return 0, r.fault("bad \\u escape")
}

func (r *jsonReader) hex() (rune, bool) {
	if len(r.text)-r.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(r.text[r.at:r.at+4], 16, 16)
	r.at += 4
	return rune(n), err == nil
}

// number reads a number in JSON's grammar, which is narrower than strconv's.
func (r *jsonReader) number() (json.Number, error) {
	begin := r.at
	r.accept('-')
	if !r.accept('0') && r.digits() == 0 {
		return "", r.fault("bad number")
	}
	if r.accept('.') && r.digits() == 0 {
		return "", r.fault("bad number")
	}
	if r.accept('e') || r.accept('E') {
		if !r.accept('+') {
			r.accept('-')
		}
		if r.digits() == 0 {
			return "", r.fault("bad number")
		}
	}
	return json.Number(r.text[begin:r.at]), nil
}

func (r *jsonReader) digits() int {
	begin := r.at
	for '0' <= r.peek() && r.peek() <= '9' {
		r.at++
	}
	return r.at - begin
}
