package message

import (
	"errors"
	"sync/atomic"
)

// errFull: too much is held already.
var errFull = errors.New("limits.body_memory is used up by bodies that are held")

// errLong: a body is longer than may be held.
var errLong = errors.New("body is longer than limits.buffered_body")

// room is the memory for all bodies that are held at once.
type room struct{ left atomic.Int64 }

// take reserves n bytes, if they are there.
func (r *room) take(n int64) error {
	if r.left.Add(-n) < 0 {
		r.left.Add(n)
		return errFull
	}
	return nil
}

// buffer grows up to a limit, and takes its memory from a room.
type buffer struct {
	room  *room
	limit int64
	bytes []byte
	taken int64
}

// firstSize is what a buffer begins with: a length that is only promised costs no
// memory.
const firstSize = 16 << 10

// grow makes place for at least one byte more.
func (b *buffer) grow() error {
	if len(b.bytes) < cap(b.bytes) {
		return nil
	}
	if int64(len(b.bytes)) > b.limit {
		return errLong
	}
	// One byte more than the limit tells what is too long from what just fits.
	size := min(max(2*int64(cap(b.bytes)), firstSize), b.limit+1)
	if err := b.take(size - b.taken); err != nil {
		return err
	}
	b.bytes = append(make([]byte, 0, size), b.bytes...)
	return nil
}

func (b *buffer) take(n int64) error {
	if n <= 0 {
		return nil
	}
	if err := b.room.take(n); err != nil {
		return err
	}
	b.taken += n
	return nil
}

// Write implements io.Writer; it fails when the limit is reached.
func (b *buffer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if err := b.grow(); err != nil {
			return n, err
		}
		part := p[n:min(len(p), n+cap(b.bytes)-len(b.bytes))]
		b.bytes = append(b.bytes, part...)
		n += len(part)
	}
	if int64(len(b.bytes)) > b.limit {
		return n, errLong
	}
	return n, nil
}

// maxKept bounds the buffers that are kept for other bodies.
const maxKept = 64 << 10

// release gives the memory back and keeps a small buffer.
func (b *buffer) release() {
	if b.room != nil {
		b.room.left.Add(b.taken)
	}
	if cap(b.bytes) > maxKept {
		b.bytes = nil
	}
	*b = buffer{bytes: b.bytes[:0]}
}

// begin prepares an empty buffer; one that was kept counts from now on.
func (b *buffer) begin(r *room, limit int64) error {
	*b = buffer{room: r, limit: limit, bytes: b.bytes[:0]}
	if int64(cap(b.bytes)) > limit+1 {
		b.bytes = nil
	}
	return b.take(int64(cap(b.bytes)))
}
