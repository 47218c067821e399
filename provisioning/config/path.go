package config

import (
	"fmt"
	"strings"
)

// A path of the bundle must be written as the gateway compares paths: bytes of
// RFC 3986, escapes only where they are needed, in upper-case hex. Anything
// else would load and never match.

// literalFault says why segment cannot stand in a path, or "".
func literalFault(segment string, keepSlash bool) string {
	if segment == "." || segment == ".." {
		return "a path has no . or .. segments"
	}
	for i := 0; i < len(segment); i++ {
		b := segment[i]
		if b == '%' {
			if fault := escapeFault(segment[i:], keepSlash); fault != "" {
				return fault
			}
			i += 2
			continue
		}
		if !isAlphanumeric(b) && strings.IndexByte("-._~!$&'()*+,;=:@", b) < 0 {
			if b < 0x21 || b > 0x7e {
				return fmt.Sprintf("write byte 0x%02X as %%%02X", b, b)
			}
			return fmt.Sprintf("%q cannot stand in a path", b)
		}
	}
	return ""
}

func escapeFault(s string, keepSlash bool) string {
	if len(s) < 3 {
		return "% is not followed by two hex digits"
	}
	high, low := hex(s[1]), hex(s[2])
	if high < 0 || low < 0 {
		return "% is not followed by two upper-case hex digits"
	}
	switch b := byte(high<<4 | low); {
	case isAlphanumeric(b) || strings.IndexByte("-._~", b) >= 0:
		return fmt.Sprintf("write %s as %q", s[:3], b)
	case b == '/' && !keepSlash:
		return "%2F needs paths: {encoded_slash: keep}"
	case b == '\\' || b < 0x20 || b == 0x7f:
		return s[:3] + " is refused in every request"
	}
	return ""
}

func hex(b byte) int { return strings.IndexByte("0123456789ABCDEF", b) }

// basePath checks a path that precedes others.
func (v *checker) basePath(path []any, base string) {
	if !strings.HasPrefix(base, "/") {
		v.add(path, "%q must begin with a slash", base)
		return
	}
	if base == "/" {
		return
	}
	for segment := range strings.SplitSeq(base[1:], "/") {
		if segment == "" {
			v.add(path, "%q has an empty segment", base)
			return
		}
		fault := literalFault(segment, false)
		if strings.Trim(segment, "*") == "" {
			fault = "only the path of a resource may hold " + segment
		}
		if fault != "" {
			v.add(path, "%s", fault)
			return
		}
	}
}

// templateFault says why a resource's path is none, or "".
func templateFault(template string, keepSlash bool) string {
	if !strings.HasPrefix(template, "/") {
		return fmt.Sprintf("%q must begin with a slash", template)
	}
	segments := strings.Split(template[1:], "/")
	names := map[string]bool{}
	for i, segment := range segments {
		switch {
		case segment == "**":
			if i < len(segments)-1 {
				return "/** may only stand at the end"
			}
		case segment == "*":
			return "* takes no segment: write {name} for one, /** for the rest"
		case strings.ContainsAny(segment, "{}"):
			name, ok := parameter(segment)
			if !ok {
				return fmt.Sprintf("%q is not {name}, which takes one whole segment", segment)
			}
			if names[name] {
				return fmt.Sprintf("{%s} stands twice", name)
			}
			names[name] = true
		default:
			if fault := literalFault(segment, keepSlash); fault != "" {
				return fault
			}
		}
	}
	return ""
}

// parameter takes the name out of {name}.
func parameter(segment string) (name string, ok bool) {
	if len(segment) < 3 || segment[0] != '{' || segment[len(segment)-1] != '}' {
		return "", false
	}
	name = segment[1 : len(segment)-1]
	return name, isToken(name)
}

// shape is a template with its parameter names forgotten: two templates of the
// same shape take the same paths.
func shape(template string) string {
	segments := strings.Split(template, "/")
	for i, segment := range segments {
		if _, ok := parameter(segment); ok {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}
