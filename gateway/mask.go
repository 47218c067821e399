package gateway

import (
	"bytes"
	"strings"
)

// masker writes queries for the log without the values of some parameters. It
// rather hides too much: a name counts in every spelling that some server might
// read as it, and wherever something follows it, within other values too.
type masker struct {
	names [][]byte // lower case
}

// newMasker hides access_token (RFC 6750 2.3) and what names holds.
func newMasker(names []string) masker {
	m := masker{[][]byte{[]byte("access_token")}}
	for _, name := range names {
		m.names = append(m.names, []byte(strings.ToLower(name)))
	}
	return m
}

// hidden stands for what is not shown.
const hidden = "***"

// append writes query to dst. scratch is room that the caller keeps for the next
// call.
func (m *masker) append(dst []byte, query []byte, scratch *[]byte) []byte {
	for {
		part, end := query, bytes.IndexAny(query, "&;")
		if end >= 0 {
			part = query[:end]
		}
		dst = m.appendPart(dst, part, scratch)
		if end < 0 {
			return dst
		}
		dst, query = append(dst, query[end]), query[end+1:]
	}
}

// appendPart writes one name and its value.
func (m *masker) appendPart(dst, part []byte, scratch *[]byte) []byte {
	plain, ok := decode(part, scratch)
	if ok && !m.finds(plain) {
		return append(dst, part...)
	}
	name, _, valued := bytes.Cut(part, []byte{'='})
	if plain, ok = decode(name, scratch); !valued || !ok || !harmless(plain) {
		return append(dst, hidden...) // the secret may stand before the sign
	}
	return append(append(append(dst, name...), '='), hidden...)
}

// finds reports whether a name stands in text by itself, with more after it.
func (m *masker) finds(text []byte) bool {
	for _, name := range m.names {
		for rest, before := text, byte('&'); ; {
			at := bytes.Index(rest, name)
			if at < 0 {
				break
			}
			if at > 0 {
				before = rest[at-1]
			}
			rest = rest[at+len(name):]
			if len(rest) > 0 && !inWord(before) && !inWord(rest[0]) {
				return true
			}
			before = name[len(name)-1]
		}
	}
	return false
}

// harmless reports whether a name is nothing but a name, or one with an index.
func harmless(name []byte) bool {
	for _, c := range name {
		if !inWord(c) && c != '[' && c != ']' && c != '.' {
			return false
		}
	}
	return true
}

func inWord(c byte) bool {
	return c == '_' || c == '-' || c-'0' <= 9 || c|0x20-'a' <= 'z'-'a' || c >= 0x80
}

// maxEscapes is how many times over a text may be escaped before it is hidden
// unread.
const maxEscapes = 4

// decode undoes all escapes of text, those of escapes too, in lower case. ok is
// false for what still has some in the end.
func decode(text []byte, scratch *[]byte) (plain []byte, ok bool) {
	plain = append((*scratch)[:0], text...)
	*scratch = plain
	for range maxEscapes {
		n, changed := 0, false
		for i := 0; i < len(plain); i++ {
			c := plain[i]
			if c == '%' && i+2 < len(plain) {
				if high, low := hexValue(plain[i+1]), hexValue(plain[i+2]); high < 16 && low < 16 {
					c, changed = high<<4|low, true
					i += 2
				}
			}
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			plain[n] = c
			n++
		}
		plain = plain[:n]
		if !changed {
			return plain, true
		}
	}
	return plain, false
}

// hexValue is that of a hexadecimal digit; 16 for anything else.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
