package router

import (
	"bytes"
	"errors"
)

// What a path can be refused for. The texts name the rule and never the path.
var (
	ErrNotAbsolute = errors.New("path does not begin with a slash")
	ErrByte        = errors.New("path holds a byte that is not visible ASCII, a backslash or a number sign")
	ErrEscape      = errors.New("percent sign is not followed by two hex digits")
	ErrControl     = errors.New("path holds an escaped control character or backslash")
	ErrDotSegment  = errors.New("path holds a dot segment")
)

// Canonical appends the canonical form of a request's path to dst: unreserved
// characters are not escaped, all other escapes are in upper case, nothing is
// merged or resolved. What servers read differently is an error. slash reports
// that the path holds %2F, which only some APIs accept. dst and raw must not
// overlap.
func Canonical(dst, raw []byte) (path []byte, slash bool, err error) {
	if len(raw) == 0 || raw[0] != '/' {
		return dst, false, ErrNotAbsolute
	}
	start := len(dst)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '#':
			return dst, false, ErrByte
		case c != '%':
			dst = append(dst, c)
			continue
		case len(raw)-i < 3 || unhex(raw[i+1]) < 0 || unhex(raw[i+2]) < 0:
			return dst, false, ErrEscape
		}
		b := byte(unhex(raw[i+1])<<4 | unhex(raw[i+2]))
		if b < ' ' || b == 0x7f || b == '\\' {
			return dst, false, ErrControl
		}
		if unreserved(b) {
			dst = append(dst, b)
		} else {
			dst = append(dst, '%', upperHex[b>>4], upperHex[b&15])
		}
		slash = slash || b == '/'
		i += 2
	}
	if dotSegment(dst[start:]) {
		return dst, false, ErrDotSegment
	}
	return dst, slash, nil
}

const upperHex = "0123456789ABCDEF"

// dotSegment reports whether a segment is . or .., judged before a semicolon
// too: servers that know path parameters resolve "..;a" like "..". An escaped
// slash ends a segment here as well, for some server behind will decode it.
func dotSegment(path []byte) bool {
	for i := 0; i < len(path); i++ {
		if path[i] != '.' || !startsSegment(path, i) {
			continue
		}
		end := i + 1
		if end < len(path) && path[end] == '.' {
			end++
		}
		if end == len(path) || path[end] == '/' || path[end] == ';' || escapedSlash(path[end:]) || bytes.HasPrefix(path[end:], escapedSemicolon) {
			return true
		}
	}
	return false
}

// escapedSemicolon is what some proxy behind may decode before it forwards.
var escapedSemicolon = []byte("%3B")

func startsSegment(path []byte, i int) bool {
	return path[i-1] == '/' || i >= 3 && escapedSlash(path[i-3:])
}

func escapedSlash(b []byte) bool {
	return len(b) >= 3 && b[0] == '%' && b[1] == '2' && b[2] == 'F'
}

// unreserved is RFC 3986 2.3.
func unreserved(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return b == '-' || b == '.' || b == '_' || b == '~'
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
