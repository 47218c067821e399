package wire

import (
	"bufio"
	"io"
	"time"
)

// Body is a message body, read from a connection as it arrives. It ends with
// io.EOF only when the message has really ended: a connection that ends
// earlier is io.ErrUnexpectedEOF. It belongs to one reader at a time.
type Body struct {
	br       *bufio.Reader
	left     int64 // of the message, or of the chunk
	kind     kind
	state    chunkState
	done     bool
	held     bool         // what is left is in memory, see Hold
	err      error        // what broke it, for good
	trailers []byte       // lines with CRLF, as received
	read     int64        // body bytes given out
	excess   int64        // of size lines over their data
	copy     func([]byte) // sees what is read, see Copy

	rate   int64         // bytes per second to keep; 0: any
	waited time.Duration // for the connection, while rate counts

	tap func(p []byte, whole bool) // nil: nobody looks on
	of  *Body                      // what it was made of, see SetCoded; nil: nothing

	replayed bool // held, and read for the first time
}

type kind uint8

const (
	ofLength kind = iota
	ofChunks
	untilClose
)

// SetLength makes b a body of n bytes read from br.
func (b *Body) SetLength(br *bufio.Reader, n int64) {
	*b = Body{br: br, left: n, kind: ofLength, done: n == 0, trailers: b.trailers[:0]}
}

// SetChunked makes b a chunked body read from br.
func (b *Body) SetChunked(br *bufio.Reader) {
	*b = Body{br: br, kind: ofChunks, trailers: b.trailers[:0]}
}

// SetUntilClose makes b a body that ends with its connection.
func (b *Body) SetUntilClose(br *bufio.Reader) {
	*b = Body{br: br, kind: untilClose, trailers: b.trailers[:0]}
}

// Hold makes b, which was read to its end, the n bytes that br reads from memory,
// with the trailers it came with. They are read as if they came from the
// connection, but never waited for, and do not count in BytesRead. Holding again
// puts other bytes in their place.
func (b *Body) Hold(br *bufio.Reader, n int64) {
	b.br, b.left, b.kind, b.held, b.replayed, b.done, b.rate = br, n, ofLength, true, false, n == 0, 0
}

// Copy lets f see what is read from the connection, piece by piece; nil: nobody.
// f keeps nothing of it, and is called by whoever reads.
func (b *Body) Copy(f func([]byte)) { b.copy = f }

// Held reports whether the body is in memory.
func (b *Body) Held() bool { return b.held }

// Arrived reports whether nothing of the body is left on the connection.
func (b *Body) Arrived() bool { return b.done || b.held }

// KeepRate makes reads fail with ErrSlow once they have waited for more than
// rateGrace and the body arrives below rate bytes per second. 0 is off.
func (b *Body) KeepRate(rate int64) { b.rate = rate }

// rateGrace is how long a body may take before its rate counts.
const rateGrace = 10 * time.Second

// Done reports whether the body was read to its end, trailers included.
func (b *Body) Done() bool { return b.done }

// Err is what broke the body for good; nil while nothing has.
func (b *Body) Err() error { return b.err }

// BytesRead is how many body bytes were given out.
func (b *Body) BytesRead() int64 { return b.read }

// Length is what is left of a body of known length; ok is false otherwise, and
// where trailers follow, which only chunks can carry.
func (b *Body) Length() (left int64, ok bool) {
	return b.left, b.kind == ofLength && len(b.trailers) == 0
}

// Chunked reports whether the body's length is only known at its end, and it
// may have trailers.
func (b *Body) Chunked() bool { return b.kind == ofChunks }

// Inline reports whether the rest of the body is known to be in the reader's
// buffer, so that reading it cannot wait.
func (b *Body) Inline() bool {
	left, ok := b.Length()
	return ok && left <= int64(b.br.Buffered())
}

// Ready reports whether the next Read can go on without waiting for the
// connection.
func (b *Body) Ready() bool {
	switch {
	case b.done || b.held || b.err != nil:
		return true
	case b.of != nil:
		return b.br.Buffered() > 0 || b.of.Ready()
	case b.kind == ofChunks:
		return b.chunkReady()
	}
	return b.br.Buffered() > 0
}

// Wait blocks until a byte is there or the connection fails.
func (b *Body) Wait() error {
	var start time.Time
	if b.rate > 0 {
		start = time.Now()
	}
	_, err := b.br.Peek(b.want())
	if b.rate > 0 {
		b.waited += time.Since(start)
		if err == nil && b.tooSlow() {
			err = ErrSlow
		}
	}
	if err = b.broken(err); err != nil && err != io.EOF {
		b.err = err
	}
	return err
}

// want is how many bytes must be buffered before there is something to read.
func (b *Body) want() int {
	if b.kind == ofChunks && b.br.Buffered() > 0 {
		return b.br.Buffered() + 1
	}
	return 1
}

func (b *Body) tooSlow() bool {
	return b.waited > rateGrace && float64(b.read) < float64(b.rate)*b.waited.Seconds()
}

// Read implements io.Reader. A body that broke stays broken: what follows on
// the connection is not taken for the rest of it.
func (b *Body) Read(p []byte) (n int, err error) {
	if b.done {
		return 0, io.EOF
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err = b.readOn(p)
	if !b.held || b.replayed {
		b.read += int64(n)
		if b.copy != nil && n > 0 {
			b.copy(p[:n])
		}
		if b.tap != nil && (n > 0 || b.done) {
			b.tap(p[:n], b.done)
		}
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *Body) readOn(p []byte) (n int, err error) {
	for b.rate > 0 && !b.Ready() {
		if err := b.Wait(); err != nil {
			return 0, err
		}
	}
	switch b.kind {
	case ofChunks:
		return b.readChunked(p)
	case untilClose:
		n, err = b.br.Read(p)
		b.done = err == io.EOF
		return n, err
	}
	return b.readLength(p)
}

func (b *Body) readLength(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.br.Read(p)
	b.left -= int64(n)
	if b.left == 0 {
		b.done = true
		return n, nil
	}
	return n, b.broken(err)
}

// broken is the error of a connection that ended inside a body.
func (b *Body) broken(err error) error {
	if err == io.EOF && b.kind != untilClose {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Discard drops what is left of the body if that needs no waiting, and reports
// whether it did.
func (b *Body) Discard() bool {
	b.done = b.done || b.held
	var sink [512]byte
	for !b.done {
		if !b.Ready() {
			return false
		}
		if _, err := b.Read(sink[:]); err != nil && err != io.EOF {
			return false
		}
	}
	return true
}

// Trailers returns the trailer lines that may be passed on after head: fields
// of framing, routing and identity are left out, and what head's policies have
// set or removed (RFC 9110 6.5.1). Valid until the next message.
func (b *Body) Trailers(head *Head) []byte {
	if b.of != nil {
		return b.of.Trailers(head)
	}
	if len(b.trailers) == 0 {
		return nil
	}
	var section Head
	if err := section.parse(append(b.trailers, "\r\n"...)); err != nil {
		return nil
	}
	var kept []byte
	for i := range section.lines {
		l := &section.lines[i]
		if l.gone || l.field != other || !mayTrail(l.name) || head.edited(l.name) {
			continue
		}
		kept = append(append(kept, l.raw...), "\r\n"...)
	}
	return kept
}

// mayTrail refuses names that a recipient might act on as if they had come
// before the body.
func mayTrail(name []byte) bool {
	for _, no := range [...]string{
		"set-cookie", "www-authenticate", "max-forwards", "range", "if-match", "if-none-match", "if-modified-since",
		"if-unmodified-since", "if-range", "age", "date", "expires", "location", "retry-after", "vary", "pragma", "origin",
		"x-http-method-override", "x-gateway-apikey", "dpop",
	} {
		if SameName(name, no) {
			return false
		}
	}
	return true
}
