package wire_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/wire"
)

// A connection over TLS survives reads that found nothing in time.
func TestSecureReadAfterIdle(t *testing.T) {
	c, peer := securePair(t)
	c.ReadLimit = 20 * time.Millisecond
	_, err := c.Read(make([]byte, 9))
	mustBe(t, err, wire.ErrIdle)
	c.ReadLimit = 10 * time.Second
	send(t, peer, "abc")
	expect(t, c, "abc")
}

// halting writes in halves, the second one later.
type halting struct {
	net.Conn
	pause *atomic.Int64
}

func (h halting) Write(p []byte) (int, error) {
	half := len(p) / 2
	n, err := h.Conn.Write(p[:half])
	if err != nil {
		return n, err
	}
	<-time.After(time.Duration(h.pause.Load()))
	m, err := h.Conn.Write(p[half:])
	return n + m, err
}

// A record that arrives in parts, with looks at the clock between them, is read
// as one.
func TestSecureReadOfHalfARecord(t *testing.T) {
	near, far := ends(t, "127.0.0.1:0")
	var pause atomic.Int64
	c, peer := secured(t, near, halting{far, &pause})
	c.ReadLimit = 10 * time.Second
	pause.Store(int64(600 * time.Millisecond))
	go func() { _, _ = io.WriteString(peer, "abc") }() // the reader tells
	expect(t, c, "abc")
}

// A peer that reads slowly over TLS is not one that does not read: the limit is
// for silence, not for a whole piece.
func TestSecureWriteToSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c, peer := secured(t, near, far)
		c.WriteLimit = 500 * time.Millisecond
		const size = 4 << 20
		wrote := make(chan error, 1)
		go func() {
			_, err := c.Write(make([]byte, size))
			if err != nil {
				_ = c.Close() // the reader must not wait
			}
			wrote <- err
		}()
		begun := time.Now()
		for read, p := 0, make([]byte, 64<<10); read < size; {
			n, err := io.ReadFull(peer, p)
			if read += n; err != nil {
				t.Fatalf("after %d bytes in %v: %v; %v", read, time.Since(begun), err, <-wrote)
			}
			time.Sleep(200 * time.Millisecond)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

// What lies read but not asked for in a TLS connection is seen before the
// connection is kept: the socket does not show it.
func TestQuiet(t *testing.T) {
	for name, ends := range map[string]func(testing.TB) (*wire.Conn, net.Conn){"TCP": pair, "TLS": securePair} {
		t.Run(name, func(t *testing.T) {
			c, peer := ends(t)
			c.ReadLimit = 10 * time.Second
			for range 2 {
				send(t, peer, "a")
				expect(t, c, "a")
				if !c.Quiet() {
					t.Fatal("a connection at rest is not quiet")
				}
			}
			send(t, peer, "ab")
			expect(t, c, "a")
			if c.Quiet() && !c.Stale() {
				t.Error("a byte that is left was not seen")
			}
		})
	}
}
