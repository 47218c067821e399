package wire_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"postern/gateway/wire"
)

// drip reads text byte by byte.
func drip(text string) *bufio.Reader {
	return bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(text)), headSize)
}

func TestPeekHead(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	full := "GET / HTTP/1.1\r\nX: "
	full += strings.Repeat("a", headSize-len(full)-4) + "\r\n\r\n"
	for _, tt := range []struct {
		name, raw, want string
		err             error
	}{
		{"whole", head, head, nil},
		{"with a body behind", head + "body", head, nil},
		{"no fields", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", nil},
		{"as long as the reader", full, full, nil},
		{"one byte more", strings.Replace(full, "aa", "aaa", 1), "", wire.ErrHeadTooLong},
		{"line too long", strings.Repeat("a", headSize+1), "", wire.ErrTargetTooLong},
		{"line as long as the reader", strings.Repeat("a", headSize-2) + "\r\n", "", wire.ErrHeadTooLong},
		{"nothing", "", "", io.EOF},
		{"cut", head[:len(head)-1], "", io.ErrUnexpectedEOF},
		{"cut in the line", "GET", "", io.ErrUnexpectedEOF},
		{"as many fields as there may be", "GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", 256) + "\r\n", "GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", 256) + "\r\n", nil},
		{"one field more", "GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", 257) + "\r\n", "", wire.ErrTooManyFields},
		{"LF first", "\n" + head, "", wire.ErrLineEnd},
		{"LF at the end of an endless head", "GET / HTTP/1.1\n", "", wire.ErrLineEnd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for kind, br := range map[string]*bufio.Reader{"at once": newReader(tt.raw), "byte by byte": drip(tt.raw)} {
				got, err := wire.PeekHead(br)
				if !errors.Is(err, tt.err) || string(got) != tt.want {
					t.Errorf("%s: %.60q, %v; want %.60q, %v", kind, got, err, tt.want, tt.err)
				}
				if err == nil && br.Buffered() < len(got) {
					t.Errorf("%s: head was consumed", kind)
				}
			}
		})
	}
}

// A peer that speaks bare LF never completes a head; it must not hold the
// connection to its limit.
func TestPeekHeadFailsAtOnceOnBareLF(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, "HTTP/1.1 200 OK\nContent-Length: 0\n\n")
	_, err := wire.PeekHead(bufio.NewReaderSize(r, headSize))
	mustBe(t, err, wire.ErrLineEnd)
}
