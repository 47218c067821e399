package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
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
	// treeCost is what a document takes of the memory for bodies, as a multiple of
	// its text.
	treeCost = 8
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
			err = m.reserve(treeCost * int64(len(text)))
		}
		if err == nil {
			o.exact, err = parseJSON(text)
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
		if err := m.reserve(treeCost * int64(len(m.text.bytes))); err != nil {
			return nil, err
		}
		o.loose = loosen(o.exact)
	}
	return o.loose, nil
}

// parseJSON reads one value as RFC 8259 has it, and as I-JSON, whose names are
// unique: two readers would take another one each.
func parseJSON(text []byte) (any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	r := jsonReader{decoder: json.NewDecoder(bytes.NewReader(text)), left: maxNodes}
	r.decoder.UseNumber()
	value, err := r.value(0)
	if err == nil {
		if _, more := r.decoder.Token(); more != io.EOF {
			err = fmt.Errorf("%w: more than one value", ErrMalformed)
		}
	}
	return value, err
}

type jsonReader struct {
	decoder *json.Decoder
	left    int
}

func (r *jsonReader) value(depth int) (any, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	if r.left--; r.left < 0 || depth > maxDepth {
		return nil, fmt.Errorf("%w: more than %d values, or more than %d in each other", ErrTooMuch, maxNodes, maxDepth)
	}
	switch token {
	case json.Delim('{'):
		return r.object(depth)
	case json.Delim('['):
		return r.list(depth)
	}
	return token, nil
}

func (r *jsonReader) object(depth int) (any, error) {
	members := map[string]any{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("%w: an object has a member twice", ErrMalformed)
		}
		if members[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := r.decoder.Token()
	return members, err
}

func (r *jsonReader) list(depth int) (any, error) {
	items := []any{}
	for r.decoder.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := r.decoder.Token()
	return items, err
}

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
