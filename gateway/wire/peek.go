package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxFields bounds the field lines of a head: what is kept of each line is many
// times as long as the shortest one.
const maxFields = 256

// PeekHead waits until br holds a whole head and returns it with its empty
// line, not consumed. It fails as soon as a line ends with a bare LF, so that a
// peer that never sends CRLF does not hold the connection to its limit. The
// head must fit into br.
func PeekHead(br *bufio.Reader) ([]byte, error) {
	start, lines := 0, 0
	for {
		buf, _ := br.Peek(br.Buffered())
		for {
			end := bytes.IndexByte(buf[start:], '\n')
			if end < 0 {
				break
			}
			end += start
			if end == 0 || buf[end-1] != '\r' {
				return nil, ErrLineEnd
			}
			if end-1 == start && lines > 0 {
				return buf[:end+1], nil
			}
			start, lines = end+1, lines+1
			if lines > 1+maxFields {
				return nil, ErrTooManyFields
			}
		}
		if _, err := br.Peek(len(buf) + 1); err != nil {
			return nil, peekError(err, len(buf), lines)
		}
	}
}

// peekError tells a head that is too long from one that stopped arriving.
func peekError(err error, have, lines int) error {
	switch {
	case errors.Is(err, bufio.ErrBufferFull) && lines == 0:
		return ErrTargetTooLong
	case errors.Is(err, bufio.ErrBufferFull):
		return ErrHeadTooLong
	case errors.Is(err, io.EOF) && have > 0:
		return io.ErrUnexpectedEOF
	}
	return err
}

// SkipEmptyLine drops one CRLF before a request line: RFC 9112 2.2 asks servers
// to bear with clients that end a body with one too many.
// It waits for the bytes it needs; an error shows again when the head is read.
func SkipEmptyLine(br *bufio.Reader) {
	if b, _ := br.Peek(1); len(b) == 0 || b[0] != '\r' {
		return
	}
	if b, _ := br.Peek(2); len(b) == 2 && b[1] == '\n' {
		_, _ = br.Discard(2)
	}
}
