package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// pattern is a regular expression, which matches anywhere in a text.
type pattern struct {
	*regexp.Regexp
	text string
	size int // instructions
}

// Bounds of one: matching takes as long as its instructions times the text.
const (
	maxPattern      = 4096
	maxInstructions = 5000
)

// compilePattern makes an expression of ECMA 262 one of RE2. What RE2 has not is
// an error: what looks ahead, behind or back takes unbounded time.
func compilePattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("is longer than %d bytes", maxPattern)
	}
	translated, err := translate(text)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		return nil, unsupported(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, unsupported(err)
	}
	if len(program.Inst) > maxInstructions {
		return nil, errors.New("repeats too much")
	}
	compiled, err := regexp.Compile(translated)
	if err != nil {
		return nil, unsupported(err)
	}
	return &pattern{compiled, text, len(program.Inst)}, nil
}

func unsupported(err error) error {
	var at *syntax.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %q (RE2 has no lookaround and no back references)", at.Code, at.Expr)
	}
	return err
}

// What ECMA 262 means by a class, written for RE2.
const (
	spaces    = `\s\x0b\x{a0}\x{feff}\x{2028}\x{2029}\p{Zs}`
	anyButEnd = `[^\n\r\x{2028}\x{2029}]`
)

// translate writes what the two languages write or mean differently as RE2 has it.
func translate(text string) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			n, err := translateEscape(&b, text[i:], inClass)
			if err != nil {
				return "", err
			}
			i += n - 1
		case inClass && c == '[':
			b.WriteString(`\[`) // no [:class:] in ECMA 262
		case c == '[':
			inClass = true
			n := translateClass(&b, text[i:])
			if n > 1 && text[i+n-1] == ']' {
				inClass = false
			}
			i += n - 1
		case c == ']' && inClass:
			inClass = false
			b.WriteByte(c)
		case c == '.' && !inClass:
			b.WriteString(anyButEnd)
		case c == '(' && strings.HasPrefix(text[i:], "(?") && !inClass:
			if !strings.HasPrefix(text[i:], "(?:") && !isNamed(text[i:]) {
				return "", fmt.Errorf("%q is not supported: RE2 has no lookaround", text[i:min(i+4, len(text))])
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func isNamed(text string) bool {
	return len(text) > 3 && text[2] == '<' && text[3] != '=' && text[3] != '!'
}

// translateClass writes how a class begins, and returns how much of it that was:
// [] is nothing and [^] anything, where RE2 takes the bracket for a member.
func translateClass(b *strings.Builder, text string) int {
	switch {
	case strings.HasPrefix(text, "[]"):
		b.WriteString(`[^\x00-\x{10FFFF}]`)
		return 2
	case strings.HasPrefix(text, "[^]"):
		b.WriteString(`[\x00-\x{10FFFF}]`)
		return 3
	}
	b.WriteByte('[')
	return 1
}

// translateEscape writes what a backslash begins, and returns its length.
func translateEscape(b *strings.Builder, text string, inClass bool) (int, error) {
	if len(text) < 2 {
		return 0, errors.New("ends in a backslash")
	}
	switch c := text[1]; c {
	case 'd', 'D', 'w', 'W', 't', 'n', 'r', 'f', 'v', 'p', 'P', 'x':
		b.WriteString(text[:2])
	case 'b', 'B':
		if inClass {
			b.WriteString(`\x08`)
			break
		}
		b.WriteString(text[:2])
	case 's':
		writeClass(b, "", spaces, inClass)
	case 'S':
		if inClass {
			return 0, errors.New(`\S in a class is not supported`)
		}
		writeClass(b, "^", spaces, false)
	case '0':
		b.WriteString(`\x00`)
	case 'u':
		return translateUnicode(b, text)
	case 'c':
		if len(text) < 3 || !isLetter(text[2]) {
			return 0, errors.New(`\c is not followed by a letter`)
		}
		fmt.Fprintf(b, `\x%02x`, text[2]&0x1f)
		return 3, nil
	default:
		if isLetter(c) || '1' <= c && c <= '9' {
			return 0, fmt.Errorf("%q is not supported: RE2 has no such escape and no back references", text[:2])
		}
		b.WriteString(text[:2]) // punctuation, which may be escaped in both
	}
	return 2, nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func writeClass(b *strings.Builder, not, members string, inClass bool) {
	if inClass {
		b.WriteString(members)
		return
	}
	b.WriteString("[" + not + members + "]")
}

// translateUnicode reads \uXXXX, as a pair of surrogates too, and \u{X…}.
func translateUnicode(b *strings.Builder, text string) (int, error) {
	digits, length := "", 6
	if strings.HasPrefix(text, `\u{`) {
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return 0, errors.New(`\u{ is not closed`)
		}
		digits, length = text[3:end], end+1
	} else if len(text) >= 6 {
		digits = text[2:6]
	}
	r, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || r > 0x10ffff {
		return 0, errors.New(`\u is not followed by hex digits of a character`)
	}
	if 0xd800 <= r && r < 0xdc00 && len(text) >= 12 && text[6:8] == `\u` {
		if low, err := strconv.ParseUint(text[8:12], 16, 32); err == nil && 0xdc00 <= low && low < 0xe000 {
			r, length = 0x10000+(r-0xd800)<<10+(low-0xdc00), 12
		}
	}
	fmt.Fprintf(b, `\x{%x}`, r)
	return length, nil
}

// matches reports whether p matches somewhere in text.
func (c *Check) matches(p *pattern, text string) bool {
	return c.spend(1+len(text)*p.size/64) && p.MatchString(text)
}
