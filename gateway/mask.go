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
		if name == "" {
			continue
		}
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
			at := find(rest, name)
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

// find is where a name stands in text; -1: nowhere. An underscore counts in the
// characters that PHP takes for one, too.
func find(text, name []byte) int {
	for from := 0; ; from++ {
		at := bytes.IndexByte(text[from:], name[0])
		if at < 0 || len(text)-from-at < len(name) {
			return -1
		}
		from += at
		if spelled(text[from:], name) {
			return from
		}
	}
}

// spelled reports whether text begins with a name.
func spelled(text, name []byte) bool {
	for i, want := range name {
		switch c := text[i]; {
		case c == want:
		case want == '_' && (c == '.' || c == ' ' || c == '+' || c == '['):
		default:
			return false
		}
	}
	return true
}

// appendPath writes a path to dst: parameters may stand in it, too, behind a
// semicolon or a question mark that is escaped.
func (m *masker) appendPath(dst, path []byte, scratch *[]byte) []byte {
	at := bytes.IndexAny(path, ";%")
	if at < 0 {
		return append(dst, path...)
	}
	rest := path[at:]
	if bytes.IndexByte(rest, '=') < 0 && !bytes.Contains(rest, []byte("%3")) && !bytes.Contains(rest, []byte("%25")) {
		return append(dst, path...) // no parameter has a value
	}
	return m.append(append(dst, path[:at]...), rest, scratch)
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
			if c == '%' {
				if escaped, size := unescape(plain[i+1:]); size > 0 {
					c, changed = escaped, true
					i += size
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

// unescape reads what follows a percent sign: two digits, or u00 and two digits
// as IIS has them. size is 0 when it is neither.
func unescape(text []byte) (c byte, size int) {
	skip := 0
	if len(text) > 3 && text[0]|0x20 == 'u' && text[1] == '0' && text[2] == '0' {
		skip = 3
	}
	if len(text) < skip+2 {
		return 0, 0
	}
	high, low := hexValue(text[skip]), hexValue(text[skip+1])
	if high|low >= 16 {
		return 0, 0
	}
	return high<<4 | low, skip + 2
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
