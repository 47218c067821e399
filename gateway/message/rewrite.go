package message

import (
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// Rewrite is Replace for a text that was made of the body's: it is sent in the
// charset and the content codings in which the body came.
func (m *Message) Rewrite(text []byte) error {
	if m.None() {
		return nil
	}
	list, err := m.codings()
	if err != nil {
		return m.textProblem(err)
	}
	data, err := encode(m.text.charset.encode(text), list)
	if err != nil {
		return m.textProblem(err)
	}
	return m.substitute(data, list)
}

// encode applies codings in their order.
func encode(data []byte, list []string) (coded []byte, err error) {
	for _, coding := range list {
		if data, err = code(coding, data); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// code applies one of the codings that undo undoes.
func code(coding string, data []byte) ([]byte, error) {
	switch coding {
	case "gzip", "x-gzip":
		return fasthttp.AppendGzipBytes(nil, data), nil
	case "deflate":
		return fasthttp.AppendDeflateBytes(nil, data), nil
	case "br":
		return fasthttp.AppendBrotliBytes(nil, data), nil
	case "zstd":
		return appendZstd(data)
	}
	return nil, errCoding
}

func appendZstd(data []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.EncodeAll(data, nil), nil
}

// charset is how the characters of a body are written.
type charset struct {
	kind charsetKind
	mark []byte // the text began with it
}

type charsetKind uint8

const (
	inUTF8 charsetKind = iota // or a part of it
	inLatin1
	inUTF16LE
	inUTF16BE
)

// encode writes text, whose characters the charset has.
func (c charset) encode(text []byte) []byte {
	if c.kind == inUTF8 && c.mark == nil {
		return text
	}
	out := append(make([]byte, 0, 2*len(text)+len(c.mark)), c.mark...)
	if c.kind == inUTF8 {
		return append(out, text...)
	}
	for _, r := range string(text) {
		if c.kind == inLatin1 {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			if c.kind == inUTF16LE {
				out = append(out, byte(unit), byte(unit>>8))
			} else {
				out = append(out, byte(unit>>8), byte(unit))
			}
		}
	}
	return out
}
