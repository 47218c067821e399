package message

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"
)

// Expression finds texts in a message. It is compiled once, at load, and safe for
// concurrent use.
type Expression struct {
	kind, text string
	find       func(m *Message, visit func(value string) bool) error
	value      func(m *Message) (value []byte, found bool, err error) // nil: it finds texts only
}

// Value is the first value that a JSONPath finds, of any kind, as JSON: as it is
// written in the body, but behind filters and the like. Other expressions have none.
// It is not to be changed. The error is as of Find.
func (e *Expression) Value(m *Message) (value []byte, found bool, err error) {
	if e.value == nil {
		return nil, false, nil
	}
	return e.value(m)
}

// String is the expression as it was written, after its kind.
func (e *Expression) String() string { return e.kind + " " + e.text }

// Find calls visit with what the expression finds, in the order of the document,
// until it returns false. The error is ErrMalformed, ErrTooMuch or a
// *problem.Problem; what was visited before it does not count.
func (e *Expression) Find(m *Message, visit func(value string) bool) error { return e.find(m, visit) }

// Any reports whether the expression finds a text that is wanted.
func (e *Expression) Any(m *Message, wanted func(value string) bool) (found bool, err error) {
	err = e.find(m, func(value string) bool {
		found = wanted(value)
		return !found
	})
	return found && err == nil, err
}

// First is the first text that the expression finds.
func (e *Expression) First(m *Message) (value string, found bool, err error) {
	found, err = e.Any(m, func(text string) bool {
		value = text
		return true
	})
	return value, found, err
}

// Bounds of regular expressions: those of RE2 take as long as their program times
// the text.
const (
	maxProgram = 2000
	maxSteps   = 1 << 27
	maxMatches = 1000
)

// Regex compiles a regular expression of RE2. It finds its first group, or what it
// matches as a whole when it has none, in the text of any body.
func Regex(pattern string) (*Expression, error) {
	re, size, err := parsePattern(pattern)
	if err != nil {
		return nil, err
	}
	group := min(re.NumSubexp(), 1)
	return &Expression{kind: "regex", text: pattern, find: func(m *Message, visit func(string) bool) error {
		text, err := m.Text()
		if err != nil {
			return err
		}
		if len(text)*size > maxSteps {
			return fmt.Errorf("%w: %d bytes for such an expression", ErrTooMuch, len(text))
		}
		found, err := search(maxMatches, func(n int) [][]int { return re.FindAllSubmatchIndex(text, n) })
		if err != nil {
			return err
		}
		for _, at := range found {
			if start, end := at[2*group], at[2*group+1]; start >= 0 && !visit(string(text[start:end])) {
				break
			}
		}
		return nil
	}}, nil
}

// Pattern is a regular expression of RE2 that matches anywhere in a text. It is
// immutable.
type Pattern struct {
	re   *regexp.Regexp
	size int
}

// NewPattern compiles one, which must not be too large a program.
func NewPattern(text string) (*Pattern, error) {
	re, size, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	return &Pattern{re, size}, nil
}

// Match reports whether p matches; the error is ErrTooMuch for a text that is too
// long for it.
func (p *Pattern) Match(text []byte) (bool, error) {
	if len(text)*p.size > maxSteps {
		return false, fmt.Errorf("%w: %d bytes for such an expression", ErrTooMuch, len(text))
	}
	return p.re.Match(text), nil
}

// maxSearch is how long the matches of one pattern are looked for.
const maxSearch = time.Second

// search finds at most so many matches. One match may look at all of a text, so
// many may take its square: it looks for a few, then for four times as many, so that
// it can end in between.
func search(most int, find func(n int) [][]int) ([][]int, error) {
	began := time.Now()
	for n := min(16, most); ; n = min(4*n, most) {
		found := find(n)
		switch {
		case len(found) < n || n == most:
			return found, nil
		case time.Since(began) > maxSearch:
			return nil, fmt.Errorf("%w: looking for matches takes more than %v", ErrTooMuch, maxSearch)
		}
	}
}

// parsePattern compiles a regular expression, and tells the size of its program.
func parsePattern(pattern string) (re *regexp.Regexp, size int, err error) {
	if len(pattern) > maxExpression {
		return nil, 0, errExpression
	}
	if re, err = regexp.Compile(pattern); err != nil {
		return nil, 0, fmt.Errorf("no regular expression: %w", err)
	}
	size, err = programSize(pattern)
	return re, size, err
}

// programSize is how many instructions a pattern becomes.
func programSize(pattern string) (int, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	if len(program.Inst) > maxProgram {
		return 0, errors.New("too large a regular expression")
	}
	return len(program.Inst), nil
}
