package wire

import (
	"bufio"
	"bytes"
	"io"
)

// chunkState is where a chunked reader stands.
type chunkState uint8

const (
	atSize   chunkState = iota // a size line follows
	inData                     // left bytes of data follow
	afterEnd                   // CRLF, then a size line
)

// maxSizeLine bounds a chunk's size line with its extensions.
const maxSizeLine = 1024

// readChunked reads data of one chunk.
func (b *Body) readChunked(p []byte) (int, error) {
	if b.state != inData {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.br.Read(p)
	b.left -= int64(n)
	if b.left == 0 {
		b.state = afterEnd
		return n, nil
	}
	return n, b.broken(err)
}

// nextChunk reads up to the next chunk's data; io.EOF after the last one.
func (b *Body) nextChunk() error {
	if b.state == afterEnd {
		end, err := b.br.Peek(2)
		if err != nil {
			return b.broken(err)
		}
		if end[0] != '\r' || end[1] != '\n' {
			return ErrChunk
		}
		_, _ = b.br.Discard(2)
		b.state = atSize
	}
	line, err := peekLine(b.br, maxSizeLine)
	if err != nil {
		return b.broken(err)
	}
	n, ok := parseChunkSize(line)
	if !ok || !b.afford(int64(len(line)), n) {
		return ErrChunk
	}
	_, _ = b.br.Discard(len(line) + 2)
	if n > 0 {
		b.left, b.state = n, inData
		return nil
	}
	if err := b.readTrailers(); err != nil {
		return err
	}
	b.done = true
	return io.EOF
}

// maxExcess bounds what the size lines of a body may have more than its data: a
// sender that makes a chunk of every byte is borne with, one that sends
// extensions without end is not (RFC 9112 7.1.1). It is net/http's bound, too.
const maxExcess = 16 << 10

// afford counts a size line and the data that it announces.
func (b *Body) afford(line, data int64) bool {
	b.excess = max(b.excess+line+2-16-2*min(data, maxExcess), 0)
	return b.excess <= maxExcess
}

// peekLine returns the next line without its CRLF, not consumed.
func peekLine(br *bufio.Reader, limit int) ([]byte, error) {
	for {
		buf, _ := br.Peek(min(br.Buffered(), limit))
		if end := bytes.IndexByte(buf, '\n'); end >= 0 {
			if end == 0 || buf[end-1] != '\r' {
				return nil, ErrChunk
			}
			return buf[:end-1], nil
		}
		if len(buf) >= limit {
			return nil, ErrChunk
		}
		if _, err := br.Peek(len(buf) + 1); err != nil {
			if err == bufio.ErrBufferFull {
				err = ErrChunk
			}
			return nil, err
		}
	}
}

// parseChunkSize reads 1*15HEXDIG and checks the extensions, which are dropped.
func parseChunkSize(line []byte) (int64, bool) {
	n, i := int64(0), 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if i == 15 {
			return 0, false
		}
		n = n<<4 | int64(d)
	}
	if i == 0 {
		return 0, false
	}
	if i == len(line) {
		return n, true
	}
	ext := trim(line[i:])
	return n, len(ext) > 1 && ext[0] == ';' && all(ext, valueByte) && IsToken(trim(ext[1:])[:1])
}

func hexDigit(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case lower(c) >= 'a' && lower(c) <= 'f':
		return int(lower(c)-'a') + 10
	}
	return -1
}

// readTrailers keeps the trailer lines up to the empty one; together they are
// bounded like a head.
func (b *Body) readTrailers() error {
	for {
		line, err := peekLine(b.br, b.br.Size())
		if err == ErrChunk {
			return ErrTrailers
		}
		if err != nil {
			return b.broken(err)
		}
		size := len(line) + 2
		if size == 2 {
			_, _ = b.br.Discard(size)
			return nil
		}
		var check Head
		if len(b.trailers)+size > b.br.Size() || check.parseLine(line) != nil {
			return ErrTrailers
		}
		b.trailers = append(append(b.trailers, line...), "\r\n"...)
		_, _ = b.br.Discard(size)
	}
}

// chunkReady reports whether data, or the whole way to it, is in the buffer.
// Looking only for a first byte would wait on the CRLF that ends the chunk
// before, and hold an event back until the next one.
func (b *Body) chunkReady() bool {
	buf, _ := b.br.Peek(b.br.Buffered())
	if len(buf) == b.br.Size() {
		return true // no more fits: it will be read, or refused as too long
	}
	switch b.state {
	case inData:
		return len(buf) > 0
	case afterEnd:
		if len(buf) < 2 {
			return false
		}
		if buf[0] != '\r' || buf[1] != '\n' {
			return true // to be refused
		}
		buf = buf[2:]
	}
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		return len(buf) >= maxSizeLine
	}
	line, whole := bytes.CutSuffix(buf[:end], []byte("\r"))
	n, ok := parseChunkSize(line)
	if !whole || !ok {
		return true // to be refused
	}
	if n > 0 {
		return len(buf) > end+1
	}
	return trailersReady(buf[end+1:])
}

// trailersReady reports whether b holds a trailer section to its empty line, or
// a line that will be refused.
func trailersReady(b []byte) bool {
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return false
		}
		if end == 0 || b[end-1] != '\r' || end == 1 {
			return true
		}
		b = b[end+1:]
	}
}
