package message

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

var errReading = fmt.Errorf("%w: its text is another one in another charset", ErrMalformed)

// oneReading makes sure that a pattern looks at the text that others read. Many do
// not mind the charset that is stated: readers of JSON and XML see by the bytes
// whether it is UTF-16 (RFC 4627 3, XML 1.0 appendix F), others see bytes only.
// What could be two texts must be what it says it is in the one that is looked at.
func (m *Message) oneReading(k *Masking, as Form) (err error) {
	c := &m.text
	wide := c.charset.kind == inUTF16LE || c.charset.kind == inUTF16BE
	switch {
	case as == AsText && !wide:
		if isText(m.Type()) && bytes.IndexByte(c.bytes, 0) >= 0 {
			return errReading
		}
		return nil
	case as == AsText:
		if len(c.written)*k.size > maxSteps {
			return fmt.Errorf("%w: %d bytes for such an expression", ErrTooMuch, len(c.written))
		}
		if k.pattern.Match(c.written) {
			return errReading
		}
		return nil
	case !wide && utf8.Valid(c.bytes) && bytes.IndexByte(c.bytes, 0) < 0:
		return nil
	case as == AsJSON:
		_, err = m.JSON()
	default:
		_, err = m.xml()
	}
	return err
}

// isText reports whether a body is said to be characters: no NUL is one.
func isText(kind []byte) bool {
	return len(kind) >= len("text/") && bytes.EqualFold(kind[:len("text/")], []byte("text/"))
}
