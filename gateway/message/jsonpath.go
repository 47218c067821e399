package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// maxExpression bounds the text of an expression.
const maxExpression = 1000

var errExpression = errors.New("longer than 1000 characters")

// JSONPath compiles a path of RFC 9535 that begins with $, or with a bracket as
// in [*]['id']. It finds strings, numbers and booleans, as text: numbers as they
// are written, behind a filter in their shortest form.
//
// A path may hold one ".." in all, and a filter must not look at the whole
// document ($): so its work grows no faster than the body.
func JSONPath(text string) (*Expression, error) {
	path, filter, err := parsePath(text)
	if err != nil {
		return nil, err
	}
	get := func(m *Message) ([]any, error) {
		tree, err := m.tree(filter)
		if err != nil {
			return nil, err
		}
		return path.Get(tree), nil
	}
	spot, err := spotOf(path)
	simple := err == nil
	return &Expression{kind: "jsonpath", text: text, value: func(m *Message) ([]byte, bool, error) {
		if simple {
			return spot.first(m)
		}
		list, err := get(m)
		if err != nil || len(list) == 0 {
			return nil, false, err
		}
		return jsonOf(list[0])
	}, find: func(m *Message, visit func(string) bool) error {
		list, err := get(m)
		if err != nil {
			return err
		}
		for _, v := range list {
			if found, ok := textOf(v); ok && !visit(found) {
				break
			}
		}
		return nil
	}}, nil
}

// filter is what is known of the filters in a path.
type filter struct {
	there  bool
	weight int // of their patterns
}

// tree is the body's value as a path needs it.
func (m *Message) tree(f filter) (any, error) {
	if !f.there {
		return m.JSON()
	}
	if err := m.light(f.weight); err != nil {
		return nil, err
	}
	return m.loose()
}

// parsePath compiles a path.
func parsePath(text string) (path jp.Expr, f filter, err error) {
	if len(text) > maxExpression {
		return nil, f, errExpression
	}
	full := text
	if strings.HasPrefix(text, "[") {
		full = "$" + text
	}
	if !strings.HasPrefix(full, "$") {
		return nil, f, errors.New("a JSONPath begins with $")
	}
	if path, err = jp.ParseString(full); err != nil {
		return nil, f, fmt.Errorf("no JSONPath: %w", err)
	}
	if f.there, err = checkPath(path, full); err == nil {
		f.weight, err = weight(full, `'"/`, "match", "search", "=~", "~=")
	}
	return path, f, err
}

// jsonOf is a found value as JSON.
func jsonOf(value any) ([]byte, bool, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err == nil, err
}

// checkPath refuses what could take long, and tells whether there is a filter.
func checkPath(path jp.Expr, text string) (filtered bool, err error) {
	for _, part := range path {
		switch part.(type) {
		case *jp.Filter:
			filtered = true
		case *jp.Proc:
			return false, errors.New("scripts are not supported")
		}
	}
	bare := unquoted(text)
	switch {
	case strings.Count(bare, "..") > 1:
		return false, errors.New(`more than one ".." would look at everything again and again`)
	case strings.Count(bare, "$") > 1:
		return false, errors.New("a filter cannot look at the whole document ($)")
	case !fixedPatterns(bare, "match", "search") || !fixedOperators(bare):
		return false, errPattern
	}
	return filtered, nil
}

// unquoted is text without what stands in quotes.
func unquoted(text string) string {
	var bare strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == 0:
			bare.WriteByte(c)
		case c == '\\':
			i++
		case c == quote:
			quote = 0
		}
	}
	return bare.String()
}
