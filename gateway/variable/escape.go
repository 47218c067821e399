package variable

import (
	"bytes"
	"unicode/utf8"

	"postern/gateway/quote"
)

// cut ends the value that dst[start:] is after most bytes, and says how many of
// them are left.
func cut(dst []byte, start, most int) (cut []byte, left int) {
	if left = most - (len(dst) - start); left >= 0 {
		return dst, left
	}
	end := start + most
	for end > start && !utf8.RuneStart(dst[end]) {
		end--
	}
	return append(dst[:end], "…"...), 0
}

// escape makes the value that dst[start:] is harmless where it stands. What must
// change is written anew behind it, and moved down.
func escape(dst []byte, start int, kind Kind) []byte {
	value := dst[start:]
	switch kind {
	case Header:
		return oneLine(dst, start)
	case Raw:
		return dst
	case Path, Query:
		end := len(dst)
		dst = appendEscaped(dst, value)
		return append(dst[:start], dst[end:]...)
	}
	if plain(value, kind) {
		return dst
	}
	end := len(dst)
	if kind == JSON {
		dst = quote.Append(dst, value)
		return append(dst[:start], dst[end+1:len(dst)-1]...)
	}
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		dst = appendRune(dst, r, kind)
		value = value[size:]
	}
	return append(dst[:start], dst[end:]...)
}

// plain reports whether a value can stand as it is.
func plain(value []byte, kind Kind) bool {
	for _, c := range value {
		if c < ' ' || c >= 0x7f {
			return false
		}
		switch c {
		case '"':
			if kind != Text {
				return false
			}
		case '\\':
			if kind == JSON {
				return false
			}
		case '&', '<', '>', '\'':
			if kind == XML {
				return false
			}
		}
	}
	return true
}

// appendRune writes a character of a value to plain text or XML, where it means
// itself. What may not stand in either becomes U+FFFD.
func appendRune(dst []byte, r rune, kind Kind) []byte {
	if r == '\t' || r == '\n' {
		return utf8.AppendRune(dst, r)
	}
	if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff {
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	if kind == XML {
		switch r {
		case '&':
			return append(dst, "&amp;"...)
		case '<':
			return append(dst, "&lt;"...)
		case '>':
			return append(dst, "&gt;"...)
		case '"':
			return append(dst, "&#34;"...)
		case '\'':
			return append(dst, "&#39;"...)
		}
	}
	return utf8.AppendRune(dst, r)
}

// appendEscaped writes a value to an address: all but unreserved characters
// (RFC 3986 2.3) as escapes.
func appendEscaped(dst, value []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range value {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// oneLine makes the value a part of one field line: control characters become
// spaces (RFC 9110 5.5).
func oneLine(dst []byte, start int) []byte {
	value := dst[start:]
	for i, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			value[i] = ' '
		}
	}
	return append(dst[:start], bytes.Trim(value, " \t")...)
}
