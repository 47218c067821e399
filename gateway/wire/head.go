package wire

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// Head is the header section of a message: its lines as they came, and the
// changes made since. Untouched lines are written as they were received.
// The zero Head is empty. It is not safe for concurrent use.
type Head struct {
	lines  []line
	arena  []byte                  // the bytes of added lines
	edits  []string                // names that were set or removed: trailers must not bring them back
	mirror *fasthttp.RequestHeader // shows the same changes; nil for answers

	nominated int  // names that Connection has removed
	upgrading bool // Connection says upgrade
}

// line is one field line. Its slices point into the received head or the arena.
type line struct {
	raw, name, value []byte
	field            field
	gone             bool
	added            bool // since the head came
}

// Reset forgets all lines and keeps the buffers.
func (h *Head) Reset() {
	h.lines, h.arena, h.edits, h.mirror, h.nominated, h.upgrading = h.lines[:0], h.arena[:0], h.edits[:0], nil, 0, false
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

// Del removes every line named name, in any case and with "_" or any other mark
// in place of "-": many servers read those twins as the same name.
func (h *Head) Del(name string) {
	h.edits = append(h.edits, name)
	for i := range h.lines {
		// Lines that are gone already may still show in the mirror.
		if l := &h.lines[i]; SameName(l.name, name) {
			h.drop(l)
		}
	}
}

// DelPrefix removes every line whose name begins so, in any case.
func (h *Head) DelPrefix(prefix string) {
	for i := range h.lines {
		if l := &h.lines[i]; len(l.name) >= len(prefix) && !l.gone && equalFold(l.name[:len(prefix)], prefix) {
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
	h.AddBytes(name, value)
}

// AddBytes is Add for a borrowed value; it is copied.
func (h *Head) AddBytes(name string, value []byte) {
	start := h.begin(name)
	h.arena = append(h.arena, value...)
	h.push(start, len(name))
}

// Add appends a line. The value must hold no control characters; Valid tells.
func (h *Head) Add(name, value string) {
	start := h.begin(name)
	h.arena = append(h.arena, value...)
	h.push(start, len(name))
}

// begin writes a new line's name and returns where it stands in the arena.
func (h *Head) begin(name string) int {
	start := len(h.arena)
	h.arena = append(h.arena, name...)
	h.arena = append(h.arena, ": "...)
	return start
}

// push makes a line of the arena's tail. An arena that grows leaves earlier
// lines in the old one, where they stay as they are.
func (h *Head) push(start, nameLen int) {
	raw := h.arena[start:len(h.arena):len(h.arena)]
	l := line{raw: raw, name: raw[:nameLen], value: raw[nameLen+2:], added: true}
	h.lines = append(h.lines, l)
	if h.mirror != nil {
		h.mirror.AddBytesKV(l.name, l.value)
	}
}

// Join appends the lines of another head.
func (h *Head) Join(other *Head) {
	for i := range other.lines {
		l := &other.lines[i]
		if l.gone {
			continue
		}
		start := len(h.arena)
		h.arena = append(append(h.arena, l.name...), ": "...)
		h.arena = append(h.arena, l.value...)
		h.push(start, len(l.name))
	}
}

// Edit gives every line named name, in any case, the value that edit appends to
// dst. A line that gets none is removed; all stay in their order.
func (h *Head) Edit(name string, edit func(dst, value []byte) []byte) {
	h.edits = append(h.edits, name)
	if h.mirror != nil {
		h.mirror.Del(name)
	}
	for i := range h.lines {
		l := &h.lines[i]
		if l.gone || !equalFold(l.name, name) {
			continue
		}
		start := len(h.arena)
		h.arena = append(append(h.arena, l.name...), ": "...)
		empty := len(h.arena)
		if h.arena = edit(h.arena, l.value); len(h.arena) == empty {
			l.gone = true
			continue
		}
		l.raw = h.arena[start:len(h.arena):len(h.arena)]
		l.name, l.value = l.raw[:len(l.name)], l.raw[empty-start:]
		if h.mirror != nil {
			h.mirror.AddBytesKV(l.name, l.value)
		}
	}
}

// Rename gives every line named from, in any case, the name to, in its place. Lines
// that have that name, and twins of both, are removed. Without a line named from,
// nothing changes. The two names must not be twins.
func (h *Head) Rename(from, to string) {
	if h.Get(from) == nil {
		return
	}
	h.Del(to)
	h.edits = append(h.edits, from)
	for i := range h.lines {
		l := &h.lines[i]
		if l.gone || !SameName(l.name, from) {
			continue
		}
		value, fits := l.value, equalFold(l.name, from)
		if h.drop(l); !fits {
			continue
		}
		start := h.begin(to)
		h.arena = append(h.arena, value...)
		raw := h.arena[start:len(h.arena):len(h.arena)]
		*l = line{raw: raw, name: raw[:len(to)], value: raw[len(to)+2:]}
		if h.mirror != nil {
			h.mirror.AddBytesKV(l.name, l.value)
		}
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

// VisitEdited calls f for every line that was added, or whose name was set, removed
// or edited, since the head came, in order.
func (h *Head) VisitEdited(f func(name, value []byte)) {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && (l.added || h.edited(l.name)) {
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

// edited reports whether name was set or removed by a policy.
func (h *Head) edited(name []byte) bool {
	for _, e := range h.edits {
		if SameName(name, e) {
			return true
		}
	}
	return false
}

// parse reads field lines from block, which ends with an empty line. It keeps
// slices of block. Every line must be terminated by CRLF, carry a token
// directly before its colon, and not be folded (RFC 9112 5).
func (h *Head) parse(block []byte) error {
	for len(block) > 0 {
		end := bytes.IndexByte(block, '\n')
		if end < 1 || block[end-1] != '\r' {
			return ErrLineEnd
		}
		if end == 1 {
			return nil
		}
		if err := h.parseLine(block[:end-1]); err != nil {
			return err
		}
		block = block[end+1:]
	}
	return nil
}

// parseLine adds one line, without its CRLF.
func (h *Head) parseLine(raw []byte) error {
	colon, class := 0, uint8(0)
	for colon < len(raw) && classes[raw[colon]]&tokenByte != 0 {
		class |= classes[raw[colon]]
		colon++
	}
	if colon == 0 || colon == len(raw) || raw[colon] != ':' {
		return ErrFieldName
	}
	value := trim(raw[colon+1:])
	if !isValue(value) {
		return ErrFieldValue
	}
	l := line{raw: raw, name: raw[:colon], value: value, field: classify(raw[:colon])}
	if l.field != other && class&mark != 0 {
		// A twin of a name that the gateway reads or sets: what is behind
		// the upstream's CGI-like interface could not tell them apart.
		l.field, l.gone = other, true
	}
	h.lines = append(h.lines, l)
	return nil
}

// trim removes optional white space around a value.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// Valid reports whether value may stand in a field line: no control character
// but tab (RFC 9110 5.5).
func Valid(value string) bool {
	for i := 0; i < len(value); i++ {
		if classes[value[i]]&valueByte == 0 {
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

// SameName reports whether two names are one in any case, and for servers that read
// "_" and other marks as "-".
func SameName(a []byte, b string) bool {
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
	if classes[c]&mark != 0 {
		return '-'
	}
	return lower(c)
}

// DropForwarded removes what says for whom a request was forwarded: nobody but
// a trusted proxy is believed.
func (h *Head) DropForwarded() {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && (l.field == forwarded || l.field == xForwarded || l.field == xRealIP) {
			h.drop(l)
		}
	}
}

// AppendForward writes the lines of a request to dst without those named host:
// the forwarder has written its own.
func (h *Head) AppendForward(dst []byte) []byte {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && l.field != host {
			dst = append(dst, l.raw...)
			dst = append(dst, '\r', '\n')
		}
	}
	return dst
}

// TakeList moves the values of all lines named name to dst, each followed by a
// comma and a space, so that the caller can continue the list.
func (h *Head) TakeList(dst []byte, name string) []byte {
	for i := range h.lines {
		if l := &h.lines[i]; !l.gone && equalFold(l.name, name) {
			dst = append(append(dst, l.value...), ", "...)
			h.drop(l)
		}
	}
	return dst
}
