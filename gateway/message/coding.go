package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// What can be wrong with a body's text.
var (
	errCoding  = errors.New("content coding is not known here")
	errBroken  = errors.New("content coding is broken")
	errCharset = errors.New("charset is not known here")
	errText    = errors.New("body is not in its charset")
)

// maxCodings bounds the content codings of one body.
const maxCodings = 3

// codings lists the content codings of a head, the outermost last; identity is
// left out (RFC 9110 8.4).
func (m *Message) codings() (list []string, err error) {
	m.head.Visit(func(name, value []byte) {
		if !strings.EqualFold(string(name), "Content-Encoding") {
			return
		}
		for coding := range strings.SplitSeq(string(value), ",") {
			if coding = strings.ToLower(strings.Trim(coding, " \t")); coding != "" && coding != "identity" {
				list = append(list, coding)
			}
		}
	})
	if len(list) > maxCodings {
		return nil, fmt.Errorf("%w: %d of them", errCoding, len(list))
	}
	return list, nil
}

// decoded is the body without its content codings. What comes out is bounded as
// what came in.
func (m *Message) decoded() ([]byte, error) {
	list, err := m.codings()
	if err != nil || len(list) == 0 || len(m.data) == 0 {
		return m.data, err // some say how nothing is coded
	}
	data := m.data
	for i := len(list) - 1; i >= 0; i-- {
		var out buffer
		if len(list) == 1 {
			out, m.text.plain = m.text.plain, buffer{} // kept from another body
		}
		err := out.begin(&m.bodies.room, m.bodies.limit)
		if err == nil {
			err = undo(list[i], &out, data)
		}
		m.text.plain.release()
		m.text.plain = out
		if err != nil {
			return nil, err
		}
		data = out.bytes
	}
	return data, nil
}

// undo writes data without a coding.
func undo(coding string, to *buffer, data []byte) (err error) {
	switch coding {
	case "gzip", "x-gzip":
		_, err = fasthttp.WriteGunzip(to, data)
	case "deflate":
		err = inflate(to, data)
	case "br":
		_, err = fasthttp.WriteUnbrotli(to, data)
	case "zstd":
		err = unzstd(to, data)
	default:
		return fmt.Errorf("%w: %q", errCoding, coding)
	}
	if err == nil || errors.Is(err, errLong) || errors.Is(err, errFull) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// errBehind: what follows is for nobody who reads the body.
var errBehind = errors.New("something follows the coded body")

func inflate(to io.Writer, data []byte) error {
	rest := bytes.NewReader(data)
	r, err := zlib.NewReader(rest)
	if err != nil {
		return err
	}
	if _, err = io.Copy(to, r); err == nil && rest.Len() > 0 {
		err = errBehind
	}
	return err
}

// zstdWindow is the most that zstd may look back (RFC 9659).
const zstdWindow = 8 << 20

var zstdReaders = sync.Pool{New: func() any {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	return r
}}

func unzstd(to io.Writer, data []byte) error {
	r, ok := zstdReaders.Get().(*zstd.Decoder)
	if !ok {
		return errBroken // the options above are good ones
	}
	defer zstdReaders.Put(r)
	if err := r.Reset(bytes.NewReader(data)); err != nil {
		return err
	}
	_, err := r.WriteTo(to)
	_ = r.Reset(nil) // lets go of data
	return err
}
