package wire

import "bufio"

// Tap lets f see what is read of b from its connection: the bytes of each read,
// which are not f's to keep, and whether the body has ended whole with them. A
// body that breaks is never whole. One f at a time.
func (b *Body) Tap(f func(p []byte, whole bool)) { b.tap = f }

// Replay makes b a body of the n bytes that br reads from memory, with these
// trailer lines after it; they are copied. It is read as if it came now.
func (b *Body) Replay(br *bufio.Reader, n int64, trailers []byte) {
	*b = Body{trailers: append(b.trailers[:0], trailers...)}
	b.Hold(br, n)
	b.replayed = true
}

// SetCoded makes b the body that br reads until its end, made of another body
// whose trailers follow it.
func (b *Body) SetCoded(br *bufio.Reader, of *Body) {
	b.SetUntilClose(br)
	b.of = of
}
