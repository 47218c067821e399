package wire_test

import (
	"io"
	"net"
	"testing"
	"time"

	"postern/gateway/wire"
)

// unread sizes the buffers between two ends, so that a write waits early.
func unread(t *testing.T, near *wire.Conn, far net.Conn, size int) {
	t.Helper()
	if near.Conn.(*net.TCPConn).SetWriteBuffer(size) != nil || far.(*net.TCPConn).SetReadBuffer(8<<10) != nil {
		t.Skip("this system's buffers have no size to set")
	}
}

// A caller that takes a byte now and then does not hold what is behind the
// answer.
func TestWriteBelowItsRate(t *testing.T) {
	c, peer := pair(t)
	unread(t, c, peer, 64<<10)
	c.WriteLimit, c.WriteRate = 500*time.Millisecond, 64<<20
	go func() {
		for b := make([]byte, 1); ; <-time.After(time.Millisecond) {
			if _, err := peer.Read(b); err != nil {
				return
			}
		}
	}()
	within(t, 20*time.Second, func() {
		_, err := c.Write(make([]byte, 64<<20))
		mustBe(t, err, wire.ErrUnread)
	})
}

// What waits in the system's own buffers is not what the peer has taken, and a
// peer that reads all the time is not silent, although the system takes nothing
// more for longer than the limit.
func TestWriteToSteadyReader(t *testing.T) {
	c, peer := pair(t)
	unread(t, c, peer, 64<<10)
	c.WriteLimit, c.WriteRate = time.Second, 1
	const size = 200 << 10
	written, read := make(chan struct{}), make(chan int64)
	go func() {
		total := int64(0)
		for err := error(nil); err == nil; {
			var n int64
			n, err = io.CopyN(io.Discard, peer, 4<<10)
			total += n
			select {
			case <-written:
			case <-time.After(200 * time.Millisecond):
			}
		}
		read <- total
	}()
	_, err := c.Write(make([]byte, size))
	close(written)
	mustBe(t, err, nil)
	c.Close()
	if n := <-read; n != size {
		t.Errorf("%d bytes arrived, want %d", n, size)
	}
}
