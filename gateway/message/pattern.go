package message

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// errPattern: a stranger's regular expressions would be compiled.
var errPattern = errors.New("a regular expression must stand in the expression, not in the body")

// fixedPatterns reports whether the second argument of each call of these
// functions is a literal. bare is an expression without what stands in quotes.
func fixedPatterns(bare string, functions ...string) bool {
	for _, name := range functions {
		for rest := bare; ; {
			_, after, found := strings.Cut(rest, name)
			if !found {
				break
			}
			rest = after
			if call, ok := strings.CutPrefix(strings.TrimLeft(after, " \t\r\n"), "("); ok && !literalSecond(call) {
				return false
			}
		}
	}
	return true
}

// literalSecond reports whether nothing is left of the second argument of a call.
func literalSecond(arguments string) bool {
	depth := 0
	for i := 0; i < len(arguments); i++ {
		switch arguments[i] {
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth < 0 {
				return true // there is none, which is a fault of its own
			}
		case ',':
			if depth == 0 {
				rest := strings.TrimLeft(arguments[i+1:], " \t\r\n")
				return rest == "" || rest[0] == ')' || rest[0] == ','
			}
		}
	}
	return true
}

// fixedOperators reports whether no comparison with a regular expression has one
// that is looked up.
func fixedOperators(bare string) bool {
	for _, operator := range []string{"=~", "~="} {
		for rest := bare; ; {
			_, after, found := strings.Cut(rest, operator)
			if !found {
				break
			}
			rest = after
			if next := strings.TrimLeft(after, " \t\r\n("); next != "" && (next[0] == '@' || next[0] == '$') {
				return false
			}
		}
	}
	return true
}

// weight is how much longer a byte takes than one that is only copied: by the
// programs of the patterns in an expression, which are its literals in these marks,
// if it has one of the words that make patterns of them.
func weight(text, marks string, words ...string) (sum int, err error) {
	bare := unquoted(text)
	if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(bare, word) }) {
		return 0, nil
	}
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(marks, text[i]) < 0 {
			continue
		}
		end := strings.IndexByte(text[i+1:], text[i])
		if end < 0 {
			break
		}
		literal := text[i+1 : i+1+end]
		i += 1 + end
		if _, err := syntax.Parse(literal, syntax.Perl); err != nil {
			continue // it is not one
		}
		size, err := programSize(literal)
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

// light makes sure that a body is not too long for the patterns in an expression.
func (m *Message) light(weight int) error {
	if text, err := m.Text(); err != nil || weight == 0 || len(text)*weight <= maxSteps {
		return err
	}
	return fmt.Errorf("%w: %d bytes for such an expression", ErrTooMuch, len(m.text.bytes))
}
