package wire_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/gateway/wire"
)

// pipe is a connection in memory, whose time a test can own.
func pipe(t *testing.T) (*wire.Conn, net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	return wire.NewConn(near), far
}

// took runs f in a bubble's time.
func took(f func()) time.Duration {
	begun := time.Now()
	f()
	return time.Since(begun)
}

func TestReadLimits(t *testing.T) {
	for _, tt := range []struct {
		name         string
		limit, until time.Duration // 0: none
		every        time.Duration // between bytes; 0: the peer is silent
		want         error
		after        time.Duration
	}{
		{"silence", 3 * time.Second, 0, 0, wire.ErrIdle, 3 * time.Second},
		{"silence, short limit", 10 * time.Millisecond, 0, 0, wire.ErrIdle, 10 * time.Millisecond},
		{"silence, odd limit", 620 * time.Millisecond, 0, 0, wire.ErrIdle, 620 * time.Millisecond},
		{"drip within the limit, deadline", 3 * time.Second, time.Minute, 2 * time.Second, wire.ErrDeadline, time.Minute},
		{"drip past the limit", 3 * time.Second, time.Minute, 4 * time.Second, wire.ErrIdle, 3 * time.Second},
		{"deadline only", 0, 700 * time.Millisecond, 0, wire.ErrDeadline, 700 * time.Millisecond},
		{"deadline before the limit", time.Second, 100 * time.Millisecond, 0, wire.ErrDeadline, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := pipe(t)
				c.ReadLimit = tt.limit
				if tt.until > 0 {
					c.Until = time.Now().Add(tt.until)
				}
				if tt.every > 0 {
					ended := dripTo(peer, tt.every)
					defer func() { _ = c.Close(); <-ended }() // a bubble waits for all it started
				}
				var err error
				after := took(func() { _, err = io.Copy(io.Discard, c) })
				if !errors.Is(err, tt.want) || after != tt.after {
					t.Errorf("%v after %v, want %v after %v", err, after, tt.want, tt.after)
				}
			})
		})
	}
}

// dripTo writes a byte in every interval until the connection ends.
func dripTo(c net.Conn, every time.Duration) (ended chan struct{}) {
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for {
			<-time.After(every)
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
		}
	}()
	return ended
}

// A read that gave up leaves the connection whole.
func TestReadAfterIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := pipe(t)
		c.ReadLimit = time.Second
		_, err := c.Read(make([]byte, 9))
		mustBe(t, err, wire.ErrIdle)
		go func() { _, _ = peer.Write([]byte("abc")) }() // the read tells
		expect(t, c, "abc")
	})
}

// A target has no reason to speak while the request is still being sent.
func TestReadWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		var busy atomic.Bool
		busy.Store(true)
		c.ReadLimit, c.Busy = time.Second, &busy
		time.AfterFunc(time.Minute, func() { busy.Store(false) })
		var err error
		after := took(func() { _, err = c.Read(make([]byte, 9)) })
		if !errors.Is(err, wire.ErrIdle) || after < time.Minute+time.Second/2 || after > time.Minute+2*time.Second {
			t.Errorf("%v after %v, want %v a second after the minute", err, after, wire.ErrIdle)
		}
	})
}

// Deadlines count even while busy.
func TestReadDeadlineWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		var busy atomic.Bool
		busy.Store(true)
		c.Busy, c.Until = &busy, time.Now().Add(time.Second)
		var err error
		after := took(func() { _, err = c.Read(make([]byte, 9)) })
		if !errors.Is(err, wire.ErrDeadline) || after != time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
}

func TestWriteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		c.WriteLimit = time.Second
		var err error
		after := took(func() { _, err = c.Write([]byte("abc")) })
		if !errors.Is(err, wire.ErrIdle) || after != time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
}

// A peer that reads slowly is not one that does not read.
func TestWriteToSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := pipe(t)
		c.WriteLimit = time.Second
		const size = 100
		go func() {
			for range size {
				<-time.After(400 * time.Millisecond)
				_, _ = peer.Read(make([]byte, 1)) // the writer tells
			}
		}()
		n, err := c.Write(make([]byte, size))
		if n != size || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
}

func TestStop(t *testing.T) {
	for name, act := range map[string]func(c *wire.Conn) error{
		"read":  func(c *wire.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		"write": func(c *wire.Conn) error { _, err := c.Write([]byte("x")); return err },
		"await": func(c *wire.Conn) error { return c.AwaitByte(time.Hour) },
	} {
		for _, limit := range []time.Duration{0, time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				c, _ := pipe(t)
				c.ReadLimit, c.WriteLimit = limit, limit
				time.AfterFunc(time.Second, c.Stop)
				var err error
				if after := took(func() { err = act(c) }); after != time.Second || err == nil {
					t.Errorf("%s, limit %v: %v after %v", name, limit, err, after)
				}
				if after := took(func() { err = act(c) }); after != 0 || !errors.Is(err, wire.ErrGone) {
					t.Errorf("%s, limit %v, then: %v after %v", name, limit, err, after)
				}
			})
		}
	}
}

// A caller whose upload is not wanted any more still gets its answer.
func TestStopReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := pipe(t)
		c.ReadLimit, c.WriteLimit = time.Hour, time.Hour
		time.AfterFunc(1100*time.Millisecond, c.StopReading)
		var err error
		if after := took(func() { _, err = c.Read(make([]byte, 1)) }); after != 1100*time.Millisecond {
			t.Errorf("noticed after %v", after)
		}
		mustBe(t, err, wire.ErrGone)
		go func() { _, _ = c.Write([]byte("answer")) }() // the peer tells
		expect(t, peer, "answer")
	})
}

func TestAwaitByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := pipe(t)
		var err error
		after := took(func() { err = c.AwaitByte(time.Minute) })
		if !errors.Is(err, wire.ErrIdle) || after != time.Minute {
			t.Errorf("%v after %v", err, after)
		}
		go func() {
			<-time.After(24 * time.Hour)
			_, _ = peer.Write([]byte("abc")) // the reader tells
			_ = peer.Close()                 // likewise
		}()
		if err := c.AwaitByte(0); err != nil {
			t.Fatal(err)
		}
		c.ReadLimit = time.Second
		if all, err := io.ReadAll(c); string(all) != "abc" || err != nil {
			t.Errorf("read %q, %v: the awaited byte must come first and once", all, err)
		}
	})
}

func TestAwaitByteOfPeerThatLeaves(t *testing.T) {
	c, peer := pair(t)
	_ = peer.Close() // what is waited for
	mustBe(t, c.AwaitByte(time.Minute), io.EOF)
}

func TestReaders(t *testing.T) {
	readers := wire.NewReaders(headSize)
	c, peer := pair(t)
	readers.Give(c)
	first := c.R
	if first.Size() != headSize {
		t.Errorf("reader holds %d bytes, want %d", first.Size(), headSize)
	}
	readers.Give(c)
	if c.R != first {
		t.Error("a connection with a reader was given another")
	}
	send(t, peer, "abcdef")
	expect(t, c.R, "abc")
	readers.Take(c)
	readers.Take(c)
	if c.R != nil {
		t.Error("the reader was not taken")
	}
	other, far := pair(t)
	readers.Give(other)
	send(t, far, "xyz")
	expect(t, other.R, "xyz")
}

// An answer that is sent before the request was read must arrive, although the
// kernel resets a connection that is closed with input unread.
func TestCloseAfterAnswer(t *testing.T) {
	for name, ends := range map[string]func(testing.TB) (*wire.Conn, net.Conn){"TCP": pair, "TLS": securePair} {
		t.Run(name, func(t *testing.T) {
			c, peer := ends(t)
			const size = 1 << 20
			sent := make(chan error)
			go func() {
				_, err := io.WriteString(peer, strings.Repeat("u", size))
				sent <- err
			}()
			if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			answer := strings.Repeat("a", 100<<10)
			go func() {
				_, _ = c.Write([]byte(answer)) // the peer tells
				_ = c.CloseAfterAnswer()       // likewise
			}()
			if err := <-sent; err != nil {
				t.Errorf("send: %v", err)
			}
			if got, err := io.ReadAll(peer); string(got) != answer || err != nil {
				t.Errorf("%d bytes of the answer arrived, %v", len(got), err)
			}
		})
	}
}

// A peer that stays does not hold the connection.
func TestCloseAfterAnswerToPeerThatStays(t *testing.T) {
	c, _ := pair(t)
	within(t, 5*time.Second, func() { _ = c.CloseAfterAnswer() }) // that it returns is what counts
	_, err := c.Write([]byte("x"))
	mustBe(t, err, net.ErrClosed)
}

// Nor does one that never stops: only so much is read for its sake.
func TestCloseAfterAnswerToPeerThatSends(t *testing.T) {
	c, peer := pair(t)
	sent := make(chan int)
	go func() {
		n := 0
		for b := make([]byte, 64<<10); ; {
			m, err := peer.Write(b)
			if n += m; err != nil {
				sent <- n
				return
			}
		}
	}()
	within(t, 5*time.Second, func() { _ = c.CloseAfterAnswer() }) // that it returns is what counts
	if n := <-sent; n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// An answer without a length ends with its connection; a broken one must not
// end the same way.
func TestReset(t *testing.T) {
	for name, ends := range map[string]func(testing.TB) (*wire.Conn, net.Conn){"TCP": pair, "TLS": securePair} {
		c, peer := ends(t)
		send(t, c, "half")
		expect(t, peer, "half")
		if err := c.Reset(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := peer.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the peer reads %v, which looks like a whole answer", name, err)
		}
	}
	c, peer := pipe(t)
	if err := c.Reset(); err != nil {
		t.Errorf("without a socket: %v", err)
	}
	_, err := peer.Read(make([]byte, 1))
	mustBe(t, err, io.EOF)
}
