package wire

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// slice is how often a read that waits looks whether it still should.
const slice = 250 * time.Millisecond

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// Conn is a connection with limits on silence, on either side of the gateway.
// One goroutine reads and one writes at a time; Stop, Gone and Close may be
// called by any.
type Conn struct {
	net.Conn
	R *bufio.Reader // nil while the connection rests

	// ReadLimit and WriteLimit bound the silence within a read or a write; 0:
	// none. Until bounds reads as a whole; zero: nothing.
	ReadLimit, WriteLimit time.Duration
	// WriteRate is how many bytes a second a peer that a write waits for must
	// take, over WriteLimit; 0: one byte in all.
	WriteRate int64
	Until     time.Time
	// Watch is the caller for whose sake this side is read: when it has left,
	// a read that waits gives up with ErrGone.
	Watch *Conn
	// Leave tells that reads shall not wait any longer: they give up with
	// ErrGone. Wake makes one that waits look.
	Leave *atomic.Bool
	// Busy tells that the peer has no reason to speak yet, since a request is
	// still being sent to it: its silence does not count.
	Busy *atomic.Bool

	// Peer is the address of the other side, as text, without its port.
	Peer string

	raw      syscall.RawConn // nil when the socket cannot be looked at
	watcher  watcher
	secure   bool
	stopped  atomic.Bool
	deaf     atomic.Bool // reads have been stopped
	readBy   time.Time   // armed read deadline
	writeBy  time.Time
	flow     flow    // what has been written since then
	first    [1]byte // read before there was a reader
	hasFirst bool
}

// NewConn wraps c. TLS connections are handled over their socket.
func NewConn(c net.Conn) *Conn {
	n := &Conn{Conn: c}
	inner := c
	if t, ok := c.(*tls.Conn); ok {
		n.secure, inner = true, t.NetConn()
	}
	if s, ok := inner.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			n.raw = raw
		}
	}
	n.watcher.init()
	return n
}

// Read implements io.Reader within the limits. It fails with ErrIdle, ErrGone
// or ErrDeadline where the connection itself is still whole.
func (c *Conn) Read(p []byte) (int, error) {
	if c.hasFirst && len(p) > 0 {
		p[0], c.hasFirst = c.first[0], false
		return 1, nil
	}
	now := time.Now()
	silent := now
	for {
		end := c.readEnd(silent)
		c.armRead(now, end)
		if c.deaf.Load() || c.Leave != nil && c.Leave.Load() {
			return 0, ErrGone
		}
		n, err := c.Conn.Read(p)
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now, c.readBy = time.Now(), time.Time{} // Wake may have moved the deadline
		if c.Busy != nil && c.Busy.Load() {
			silent = now
		}
		if err := c.giveUp(now, end); err != nil {
			return 0, err
		}
	}
}

// readEnd is when a read that has been silent since then is over.
func (c *Conn) readEnd(silent time.Time) time.Time {
	if c.ReadLimit == 0 {
		return c.Until
	}
	end := silent.Add(c.ReadLimit)
	if !c.Until.IsZero() && c.Until.Before(end) {
		return c.Until
	}
	return end
}

// armRead sets a read deadline at most a slice ahead and never past end. One
// that is armed already serves while at least half a slice of it is left:
// arming costs more than most reads.
func (c *Conn) armRead(now, end time.Time) {
	by := now.Add(slice)
	if !end.IsZero() && end.Before(by) {
		by = end
	}
	if c.readBy.After(now) && !c.readBy.After(by) && (c.readBy.Sub(now) >= slice/2 || c.readBy.Equal(end)) {
		return
	}
	c.readBy = by
	_ = c.SetReadDeadline(by) // fails only on a closed connection, as the read then does
}

// giveUp says why a read that has waited should wait no longer.
func (c *Conn) giveUp(now, end time.Time) error {
	switch {
	case c.deaf.Load():
		return ErrGone
	case c.Watch != nil && c.Watch.Gone():
		return ErrGone
	case !c.Until.IsZero() && !now.Before(c.Until):
		return ErrDeadline
	case !end.IsZero() && !now.Before(end) && (c.Busy == nil || !c.Busy.Load()):
		return ErrIdle
	}
	return nil
}

// Write implements io.Writer within WriteLimit: it fails with ErrIdle when the
// peer takes nothing for so long, and with ErrUnread when it takes less than
// WriteRate asks for.
func (c *Conn) Write(p []byte) (int, error) {
	written := 0
	for {
		if c.WriteLimit > 0 {
			c.armWrite(time.Now())
		}
		if c.stopped.Load() {
			return written, ErrGone
		}
		part := p
		if c.secure && len(part) > record {
			part = part[:record]
		}
		n, err := c.Conn.Write(part)
		written += n
		c.flow.written += int64(n)
		if err == nil && n < len(p) {
			p = p[n:]
			continue
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		if c.stopped.Load() {
			return written, ErrGone
		}
		if c.secure {
			return written, ErrIdle // TLS is broken by a write that ran out of time
		}
		if err := c.tooSlow(); err != nil {
			return written, err
		}
		p = p[n:]
	}
}

// record is the most that goes under one write deadline over TLS, where a write
// that runs out of time cannot be continued.
const record = 16 << 10

// armWrite sets the write deadline unless the armed one still gives a peer at
// least half the limit.
func (c *Conn) armWrite(now time.Time) {
	if left := c.writeBy.Sub(now); left > c.WriteLimit/2 && left <= c.WriteLimit {
		return
	}
	c.begin()
	c.writeBy = now.Add(c.WriteLimit)
	_ = c.SetWriteDeadline(c.writeBy) // as with reads
}

// AwaitByte waits up to limit for a first byte without holding a reader.
func (c *Conn) AwaitByte(limit time.Duration) error {
	c.readBy = time.Time{}
	var by time.Time
	if limit > 0 {
		by = time.Now().Add(limit)
	}
	if err := c.SetReadDeadline(by); err != nil {
		return err
	}
	if c.deaf.Load() || c.Leave != nil && c.Leave.Load() {
		return ErrGone
	}
	n, err := c.Conn.Read(c.first[:])
	c.hasFirst = n == 1
	if n == 1 {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrIdle
	}
	return err
}

// Quiet reports whether all that has arrived was read. Over TLS a record may
// wait where Stale, which looks at the socket, cannot see it; otherwise Stale
// says all there is to say.
func (c *Conn) Quiet() bool {
	if !c.secure {
		return true
	}
	c.readBy = past
	_ = c.SetReadDeadline(past) // so that the socket itself is not read
	_, err := c.Conn.Read(c.first[:])
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// Stop makes reads and writes on c fail from now on, those that wait included.
func (c *Conn) Stop() {
	c.stopped.Store(true)
	c.deaf.Store(true)
	_ = c.SetDeadline(past) // a closed connection has stopped as well
}

// Wake makes a read that waits see at once that it shall Leave. It harms no other
// one.
func (c *Conn) Wake() { _ = c.SetReadDeadline(past) } // a closed connection does not wait

// StopReading makes reads on c fail from now on; an answer can still be
// written.
func (c *Conn) StopReading() {
	c.deaf.Store(true)
	_ = c.SetReadDeadline(past)
}

// Deaf reports whether reads have been stopped, so that the connection can
// carry no other request.
func (c *Conn) Deaf() bool { return c.deaf.Load() }

// lingerTime and lingerSize bound what is read to let an answer arrive.
const (
	lingerTime = time.Second
	lingerSize = 4 << 20
)

// CloseAfterAnswer closes a connection whose peer may still be sending: closing
// at once would make the kernel reset it, and the answer could be lost with
// it. The peer is told first that no more comes, and what it sends is dropped
// for a moment.
func (c *Conn) CloseAfterAnswer() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if ok && half.CloseWrite() == nil && c.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		sink := sinks.Get().(*[]byte)
		for dropped := 0; dropped < lingerSize; {
			n, err := c.Conn.Read(*sink)
			dropped += n
			if err != nil {
				break
			}
		}
		sinks.Put(sink)
	}
	return c.Close()
}

var sinks = sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}

// Reset closes a connection so that its peer cannot take the end for a whole
// answer: a TCP reset, where the socket allows it.
func (c *Conn) Reset() error {
	inner := c.Conn
	if t, ok := inner.(*tls.Conn); ok {
		inner = t.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then Close sends an ordinary end, still cut short
		return tcp.Close()
	}
	return c.Close()
}

// Readers are pooled buffered readers of one size.
type Readers struct {
	size int
	pool sync.Pool
}

// NewReaders makes readers that hold size bytes.
func NewReaders(size int) *Readers { return &Readers{size: size} }

// Give lends c a reader if it has none.
func (r *Readers) Give(c *Conn) {
	if c.R != nil {
		return
	}
	br, _ := r.pool.Get().(*bufio.Reader)
	if br == nil {
		br = bufio.NewReaderSize(nil, r.size)
	}
	br.Reset(c)
	c.R = br
}

// Take takes the reader of c back; what it has buffered is lost.
func (r *Readers) Take(c *Conn) {
	if c.R == nil {
		return
	}
	c.R.Reset(nil)
	r.pool.Put(c.R)
	c.R = nil
}
