package message

import (
	"errors"
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
