package schema

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a value. It repeats nothing of the value
// but names of members.
type Fault struct {
	Pointer string // RFC 6901, from the value's root
	Detail  string
}

// MaxFaults is how many of them are listed.
const MaxFaults = 20

// Bounds of a fault's texts.
const (
	maxPointer = 200
	maxDetail  = 200
)

// token is a step to a value: a member's name, or an item's number.
type token struct {
	name string
	item int // from 0; only when name is not the step
	list bool
}

// pointer writes where a value stands, after base.
func pointer(base string, tokens []token) string {
	var b strings.Builder
	b.WriteString(base)
	for _, t := range tokens {
		b.WriteByte('/')
		if t.list {
			b.WriteString(strconv.Itoa(t.item))
			continue
		}
		b.WriteString(escape(Shorten(t.name, maxPointer)))
		if b.Len() > maxPointer {
			break
		}
	}
	return Shorten(b.String(), maxPointer)
}

// Shorten cuts a text that may be long, and says so by an ellipsis.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
