package message

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"postern/gateway/problem"
)

// content is a body's text, made when it is first asked for.
type content struct {
	plain   buffer // without content codings
	utf8    buffer // and in UTF-8
	charset charset
	written []byte // in its charset, without a mark
	bytes   []byte
	err     error
	known   bool
}

// reset forgets the text and gives its memory back.
func (c *content) reset() {
	c.plain.release()
	c.utf8.release()
	*c = content{plain: c.plain, utf8: c.utf8}
}

// Text is the body without its content codings, in UTF-8 and without a byte
// order mark. A body that says nothing of its charset, or that it is UTF-8, is
// given as it is, valid or not. It is not to be changed. The error is a
// *problem.Problem.
func (m *Message) Text() ([]byte, error) {
	if c := &m.text; !c.known {
		c.known = true
		data, err := m.decoded()
		if err == nil {
			c.bytes, err = m.inUTF8(data)
		}
		if err != nil {
			c.err = m.textProblem(err)
		}
	}
	return m.text.bytes, m.text.err
}

// textProblem is why a body has no text.
func (m *Message) textProblem(err error) error {
	switch {
	case errors.Is(err, errFull):
		return problem.Overloaded.Because(err)
	case m.answer != nil:
		return problem.AnswerUnreadable.Because(err)
	case errors.Is(err, errLong):
		return problem.ContentTooLarge.Because(err)
	case errors.Is(err, errCoding), errors.Is(err, errCharset):
		return problem.UnsupportedMediaType.Because(err)
	}
	return problem.BadRequest.Because(err)
}

// byteOrder are the marks that a text may begin with.
var (
	markUTF8 = []byte("\xef\xbb\xbf")
	markLE   = []byte("\xff\xfe")
	markBE   = []byte("\xfe\xff")
	markLE32 = []byte("\xff\xfe\x00\x00")
	markBE32 = []byte("\x00\x00\xfe\xff")
)

// inUTF8 rewrites data that is in another charset. A mark at the beginning
// outweighs what is said, and what the head says what an XML declaration says
// (RFC 7303 3).
func (m *Message) inUTF8(data []byte) ([]byte, error) {
	charset := charsetOf(m.Type())
	switch {
	case bytes.HasPrefix(data, markLE32), bytes.HasPrefix(data, markBE32):
		return nil, fmt.Errorf("%w: UTF-32", errCharset)
	case bytes.HasPrefix(data, markUTF8):
		m.text.charset.mark = markUTF8
		return data[len(markUTF8):], nil
	case bytes.HasPrefix(data, markLE):
		m.text.charset.mark = markLE
		charset, data = "utf-16le", data[2:]
	case bytes.HasPrefix(data, markBE):
		m.text.charset.mark = markBE
		charset, data = "utf-16be", data[2:]
	case charset == "":
		charset = declared(data)
	case !holdsASCII(declared(data)):
		return nil, fmt.Errorf("%w: the XML says %q", errCharset, declared(data))
	}
	m.text.written = data
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return data, nil
	case "iso-8859-1", "latin1":
		m.text.charset.kind = inLatin1
		return m.transcode(data, fromLatin1)
	case "utf-16le":
		m.text.charset.kind = inUTF16LE
		return m.transcode(data, fromUTF16(false))
	case "utf-16be", "utf-16":
		m.text.charset.kind = inUTF16BE
		return m.transcode(data, fromUTF16(true))
	}
	return nil, fmt.Errorf("%w: %q", errCharset, charset)
}

// charsetOf is the charset of a Content-Type in small letters; "": none.
func charsetOf(kind []byte) string {
	if !bytes.Contains(bytes.ToLower(kind), []byte("charset")) {
		return ""
	}
	_, parameters, err := mime.ParseMediaType(string(kind))
	if err != nil {
		return "malformed Content-Type"
	}
	return strings.ToLower(parameters["charset"])
}

// withCharset is a Content-Type whose charset is UTF-8.
func withCharset(kind []byte) []byte {
	name, parameters, err := mime.ParseMediaType(string(kind))
	if err != nil {
		return kind
	}
	parameters["charset"] = "utf-8"
	return []byte(mime.FormatMediaType(name, parameters))
}

// maxDeclaration bounds the XML declaration.
const maxDeclaration = 256

// declared is the encoding that an XML declaration names; "": none.
func declared(data []byte) string {
	if !bytes.HasPrefix(data, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(data[:min(len(data), maxDeclaration)], []byte("?>"))
	if end < 0 {
		return ""
	}
	_, after, found := bytes.Cut(data[:end], []byte("encoding"))
	after = bytes.TrimLeft(after, " \t\r\n=")
	if !found || len(after) == 0 {
		return ""
	}
	name, _, _ := bytes.Cut(after[1:], after[:1])
	return strings.ToLower(string(name))
}

// holdsASCII reports whether a charset that an XML declaration names has the
// characters of ASCII as they are. One that has not would make another document of
// the same bytes, for readers that do not mind the head.
func holdsASCII(charset string) bool {
	for _, family := range [...]string{"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-", "latin", "windows-125"} {
		if strings.HasPrefix(charset, family) {
			return true
		}
	}
	return charset == ""
}

// transcode rewrites data rune by rune.
func (m *Message) transcode(data []byte, next func([]byte) (rune, int)) ([]byte, error) {
	out := &m.text.utf8
	if err := out.begin(&m.bodies.room, m.bodies.limit); err != nil {
		return nil, err
	}
	var one [utf8.UTFMax]byte
	for len(data) > 0 {
		r, size := next(data)
		if size == 0 {
			return nil, errText
		}
		data = data[size:]
		if _, err := out.Write(utf8.AppendRune(one[:0], r)); err != nil {
			return nil, err
		}
	}
	return out.bytes, nil
}

func fromLatin1(b []byte) (rune, int) { return rune(b[0]), 1 }

// fromUTF16 reads a rune; the size is 0 where there is none.
func fromUTF16(bigEndian bool) func(b []byte) (rune, int) {
	unit := func(b []byte) rune {
		if bigEndian {
			return rune(b[0])<<8 | rune(b[1])
		}
		return rune(b[1])<<8 | rune(b[0])
	}
	return func(b []byte) (rune, int) {
		if len(b) < 2 {
			return 0, 0
		}
		r := unit(b)
		if !utf16.IsSurrogate(r) {
			return r, 2
		}
		if len(b) < 4 {
			return 0, 0
		}
		if r = utf16.DecodeRune(r, unit(b[2:])); r == utf8.RuneError {
			return 0, 0
		}
		return r, 4
	}
}
