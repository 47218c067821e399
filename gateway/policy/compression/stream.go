package compression

import (
	"bufio"
	"io"

	"postern/gateway/exchange"
	"postern/gateway/wire"
)

// stream is an answer that is compressed as it comes. What is here is sent on
// before more is waited for.
type stream struct {
	policy  *policy
	coding  *coding
	encoder encoder
	from    *wire.Body
	plain   []byte // room for what is read
	coded   []byte // what is ready, from next on
	next    int
	dirty   bool // something has not been flushed
	ended   bool

	buffer  *bufio.Reader // of the stream
	body    wire.Body     // what the caller is sent
	before  func(clean bool)
	release func(clean bool)
}

// pieceSize is how much is read at once.
const pieceSize = 16 << 10

// start puts a stream in place of the answer's body.
func (c *policy) start(a *exchange.Answer, coding *coding) {
	s, ok := c.streams.Get().(*stream)
	if !ok {
		s = &stream{policy: c, plain: make([]byte, pieceSize)}
		s.buffer = bufio.NewReader(nil)
		s.release = s.end
	}
	s.coding, s.encoder = coding, coding.get(s)
	s.from, s.before = a.Body, a.Release
	s.buffer.Reset((*source)(s))
	s.body.SetCoded(s.buffer, a.Body)
	a.Body, a.Release = &s.body, s.release
	coding.count.answers.Inc()
}

// Write takes what the encoder makes.
func (s *stream) Write(p []byte) (int, error) {
	s.coded = append(s.coded, p...)
	s.coding.count.written.Add(len(p))
	return len(p), nil
}

// source is a stream as what it makes is read from it.
type source stream

// Read implements io.Reader.
func (r *source) Read(p []byte) (int, error) {
	s := (*stream)(r)
	for s.next == len(s.coded) {
		if s.ended {
			return 0, io.EOF
		}
		s.coded, s.next = s.coded[:0], 0
		if err := s.step(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.coded[s.next:])
	s.next += n
	return n, nil
}

// step compresses what one read brings.
func (s *stream) step() error {
	if !s.from.Ready() && s.dirty {
		s.dirty = false
		return s.encoder.Flush()
	}
	n, err := s.from.Read(s.plain)
	if n > 0 {
		s.coding.count.read.Add(n)
		s.dirty = true
		if _, err := s.encoder.Write(s.plain[:n]); err != nil {
			return err
		}
	}
	switch {
	case s.from.Done():
		s.ended = true
		return s.encoder.Close()
	case err != io.EOF:
		return err
	}
	return nil
}

// end gives everything back. An answer that has not come to its end leaves its
// encoder in between, which Reset undoes.
func (s *stream) end(clean bool) {
	before := s.before
	s.coding.put(s.encoder)
	s.buffer.Reset(nil)
	if cap(s.coded) > 4*pieceSize {
		s.coded = nil
	}
	s.coded = s.coded[:0]
	s.encoder, s.from, s.before, s.next, s.dirty, s.ended = nil, nil, nil, 0, false, false
	s.policy.running.Add(-1)
	s.policy.streams.Put(s)
	if before != nil {
		before(clean)
	}
}
