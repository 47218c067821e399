package wire

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
)

// Sizes of relayed pieces. A piece is as large as what one read brings; large
// bodies of known length are read past the connection's own buffer.
const (
	smallPiece = 36 << 10 // a full reader, its head and a chunk's framing
	largePiece = 128 << 10
	sizeRoom   = 6 // a chunk's size line: four hexadecimal digits, CRLF
	maxChunk   = 0xffff
	largeRead  = 8 << 10  // a read of so much promises that more is there
	largeLeft  = 32 << 10 // what must be left to be worth a large piece
)

var (
	smallPieces = sync.Pool{New: func() any { b := make([]byte, 0, smallPiece); return &b }}
	largePieces = sync.Pool{New: func() any { b := make([]byte, 0, largePiece); return &b }}
)

// Piece borrows an empty buffer in which a head may be written before Relay.
func Piece() *[]byte { return smallPieces.Get().(*[]byte) }

// PutPiece gives a buffer of Piece back.
func PutPiece(p *[]byte) {
	if cap(*p) == smallPiece {
		*p = (*p)[:0]
		smallPieces.Put(p)
	}
}

// Relay sends a body on as it arrives.
type Relay struct {
	To      *Conn
	Body    *Body
	Chunked bool // frame the body in chunks; otherwise its bytes go as they are
	// Trailers of a chunked body are filtered against this head.
	Head *Head
	// Whole, when set, turns true once the body has been read to its end,
	// before its last bytes are written.
	Whole *atomic.Bool
	Sent  int64 // body bytes written

	unsent int64 // body bytes in the piece
	piece  *[]byte
	large  bool // read past the connection's buffer
}

// Run sends what piece holds, then the body. Nothing is held back while a read
// could wait, and no buffer is held while waiting, but within a large body that
// has been arriving fast. It consumes piece. An error is of the side that is
// read, or of the side that is written, when the relay broke there.
func (r *Relay) Run(piece *[]byte) (readErr, writeErr error) {
	r.piece = piece
	defer r.drop()
	for !r.Body.Done() {
		if !r.Body.Ready() && !r.large {
			if err := r.flush(); err != nil {
				return nil, err
			}
			r.drop()
			err := r.Body.Wait()
			if err != nil && err != io.EOF {
				return err, nil
			}
			r.piece = smallPieces.Get().(*[]byte)
			if err == nil && !r.Body.Ready() {
				continue
			}
		}
		if readErr, writeErr = r.step(); readErr != nil || writeErr != nil {
			return readErr, writeErr
		}
	}
	if r.Whole != nil {
		r.Whole.Store(true)
	}
	r.end()
	return nil, r.flush()
}

// step moves one piece.
func (r *Relay) step() (readErr, writeErr error) {
	if r.large || len(*r.piece) >= smallPiece/2 {
		if err := r.flush(); err != nil {
			return nil, err
		}
	}
	if r.large {
		r.drop()
		r.piece = largePieces.Get().(*[]byte)
	}
	n, err := r.read()
	left, known := r.Body.Length()
	r.large = known && !r.Chunked && n >= largeRead && left >= largeLeft && !r.Body.Ready()
	if err != nil && err != io.EOF {
		return err, r.flush()
	}
	return nil, nil
}

// read appends what one read brings, framed if need be.
func (r *Relay) read() (n int, err error) {
	if r.Body.held || r.Body.of != nil {
		_, _ = r.Body.br.Peek(1) // fills the buffer, which holds what one piece takes
	}
	out := *r.piece
	start := len(out)
	if r.Chunked {
		start += sizeRoom
	}
	end := cap(out)
	if r.Chunked {
		end = min(end-len("\r\n0\r\n\r\n"), start+maxChunk)
	}
	room := end - start
	if !r.large {
		room = min(room, max(r.Body.br.Buffered(), 1))
	}
	n, err = r.Body.Read(out[start : start+max(room, 0)])
	r.unsent += int64(n)
	if n == 0 {
		return 0, err
	}
	if !r.Chunked {
		*r.piece = out[:start+n]
		return n, err
	}
	size := strconv.AppendUint(out, uint64(n), 16)
	size = append(size, "\r\n"...)
	if len(size) < start {
		copy(out[len(size):cap(out)], out[start:start+n])
	}
	*r.piece = append(out[:len(size)+n], "\r\n"...)
	return n, err
}

// end writes the last chunk and the trailers.
func (r *Relay) end() {
	if !r.Chunked {
		return
	}
	if r.piece == nil {
		r.piece = smallPieces.Get().(*[]byte)
	}
	*r.piece = append(*r.piece, "0\r\n"...)
	*r.piece = append(*r.piece, r.Body.Trailers(r.Head)...)
	*r.piece = append(*r.piece, "\r\n"...)
}

func (r *Relay) flush() error {
	if r.piece == nil || len(*r.piece) == 0 {
		return nil
	}
	_, err := r.To.Write(*r.piece)
	*r.piece = (*r.piece)[:0]
	if err == nil {
		r.Sent += r.unsent
	}
	r.unsent = 0
	return err
}

// drop gives the piece back.
func (r *Relay) drop() {
	switch {
	case r.piece == nil:
	case cap(*r.piece) == largePiece:
		*r.piece = (*r.piece)[:0]
		largePieces.Put(r.piece)
	default:
		PutPiece(r.piece)
	}
	r.piece = nil
}
