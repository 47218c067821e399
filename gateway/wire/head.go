package wire

import (
	"github.com/valyala/fasthttp"
)

// Head is the header section of a message: its lines as they came, and the
// changes made since. Untouched lines are written as they were received.
// The zero Head is empty. It is not safe for concurrent use.
type Head struct {
	lines  []line
	arena  []byte                  // the bytes of added lines
	mirror *fasthttp.RequestHeader // shows the same changes; nil for answers
}

// line is one field line. Its slices point into the received head or the arena.
type line struct {
	raw, name, value []byte
	field            field
	gone             bool
}

// Reset forgets all lines and keeps the buffers.
func (h *Head) Reset() {
	h.lines, h.arena, h.mirror = h.lines[:0], h.arena[:0], nil
}

// Get returns the value of the first line named name, in any case, or nil.
func (h *Head) Get(name string) []byte {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && equalFold(l.name, name) {
			return l.value
		}
	}
	return nil
}

// Del removes every line named name, in any case and with "_" in place of "-":
// many servers read those twins as the same name.
func (h *Head) Del(name string) {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && sameName(l.name, name) {
			h.drop(l)
		}
	}
}

// Set replaces every line named name, twins included, by one.
func (h *Head) Set(name, value string) {
	h.Del(name)
	h.Add(name, value)
}

// SetBytes is Set for a borrowed value; it is copied.
func (h *Head) SetBytes(name string, value []byte) {
	h.Del(name)
	start := len(h.arena)
	h.arena = append(h.arena, name...)
	h.arena = append(h.arena, ": "...)
	h.arena = append(h.arena, value...)
	h.push(start, len(name))
}

// Add appends a line. The value must hold no control characters; Valid tells.
func (h *Head) Add(name, value string) {
	start := len(h.arena)
	h.arena = append(h.arena, name...)
	h.arena = append(h.arena, ": "...)
	h.arena = append(h.arena, value...)
	h.push(start, len(name))
}

// push makes a line of the arena's tail.
func (h *Head) push(start, nameLen int) {
	raw := h.arena[start:len(h.arena):len(h.arena)]
	l := line{raw: raw, name: raw[:nameLen], value: raw[nameLen+2:]}
	h.lines = append(h.lines, l)
	if h.mirror != nil {
		h.mirror.AddBytesKV(l.name, l.value)
	}
}

// Visit calls f for every line that is still there, in order.
func (h *Head) Visit(f func(name, value []byte)) {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone {
			f(l.name, l.value)
		}
	}
}

// Append writes the lines to dst, each with CRLF, without the empty line.
func (h *Head) Append(dst []byte) []byte {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone {
			dst = append(dst, l.raw...)
			dst = append(dst, '\r', '\n')
		}
	}
	return dst
}

// drop marks a line as gone, here and in the mirror.
func (h *Head) drop(l *line) {
	l.gone = true
	if h.mirror != nil {
		h.mirror.DelBytes(l.name)
	}
}

// Valid reports whether value may stand in a field line: no control character
// but tab (RFC 9110 5.5).
func Valid(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold compares a name with an ASCII name, without case.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// sameName is equalFold where "_" and "-" are the same.
func sameName(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if twin(a[i]) != twin(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func twin(c byte) byte {
	if c == '_' {
		return '-'
	}
	return lower(c)
}
