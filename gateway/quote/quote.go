// Package quote writes text as JSON strings into buffers that are reused, for
// the two places that write JSON for each request: problems and the access log.
package quote

import "unicode/utf8"

const hex = "0123456789abcdef"

// Append appends text to dst as a JSON string. What is not UTF-8 becomes U+FFFD.
func Append[T ~string | ~[]byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		size := 1
		if c < utf8.RuneSelf {
			dst = escape(dst, c)
		} else {
			dst, size = appendRune(dst, text[i:min(i+utf8.UTFMax, len(text))])
		}
		i += size
		start = i
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

func escape(dst []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(dst, '\\', c)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// appendRune copies the first rune of text; size is how many bytes it had.
func appendRune[T ~string | ~[]byte](dst []byte, text T) ([]byte, int) {
	var first [utf8.UTFMax]byte
	n := copy(first[:], text)
	r, size := utf8.DecodeRune(first[:n])
	return utf8.AppendRune(dst, r), size
}
