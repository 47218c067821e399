package wire_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"postern/gateway/wire"
)

func pair6(t testing.TB) (*wire.Conn, net.Conn) {
	near, far := ends(t, "[::1]:0")
	return wire.NewConn(near), far
}

var kinds = map[string]func(testing.TB) (*wire.Conn, net.Conn){"TCP": pair, "IPv6": pair6, "TLS": securePair}

// becomes polls until f is want.
func becomes(t *testing.T, what string, want bool, f func() bool) {
	t.Helper()
	for limit := time.Now().Add(5 * time.Second); f() != want; {
		if time.Now().After(limit) {
			t.Fatalf("%s stays %v", what, !want)
		}
		<-time.After(time.Millisecond)
	}
}

func TestGoneAndStale(t *testing.T) {
	for name, ends := range kinds {
		t.Run(name, func(t *testing.T) {
			c, peer := ends(t)
			if c.Gone() || c.Stale() {
				t.Fatalf("at rest: gone %v, stale %v", c.Gone(), c.Stale())
			}
			// A read deadline that has passed must not blind the look.
			if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			send(t, peer, "x")
			becomes(t, "stale", true, c.Stale)
			if c.Gone() {
				t.Error("a peer that has sent something counts as gone")
			}
			c.ReadLimit = time.Second
			expect(t, c, "x")
			becomes(t, "stale", false, c.Stale)
			_ = peer.Close() // what the look must see
			becomes(t, "gone", true, c.Gone)
			becomes(t, "stale", true, c.Stale)
			_ = c.Close() // likewise
			if !c.Gone() || !c.Stale() {
				t.Error("a connection that is closed here is not gone")
			}
		})
	}
}

// A target that says goodbye on TLS before it closes its socket has left.
func TestStaleAfterCloseNotify(t *testing.T) {
	c, peer := securePair(t)
	if err := peer.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	becomes(t, "stale", true, c.Stale)
}

// Like net/http, the gateway takes a caller that half-closes for gone.
func TestHalfClosedIsGone(t *testing.T) {
	c, peer := pair(t)
	if err := peer.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	becomes(t, "gone", true, c.Gone)
}

func TestResetIsGone(t *testing.T) {
	c, peer := pair(t)
	_ = peer.(*net.TCPConn).SetLinger(0) // closing then resets the connection
	_ = peer.Close()
	becomes(t, "gone", true, c.Gone)
}

// A connection without a socket cannot be looked at, and is never gone.
func TestGoneWithoutSocket(t *testing.T) {
	c, peer := pipe(t)
	_ = peer.Close() // nothing can see it
	if c.Gone() || c.Stale() {
		t.Error("gone")
	}
}

// Reads for a caller's sake end soon after the caller has left.
func TestWatch(t *testing.T) {
	for name, ends := range kinds {
		t.Run(name, func(t *testing.T) {
			caller, peer := ends(t)
			c, _ := pair(t)
			c.Watch, c.ReadLimit = caller, time.Minute
			time.AfterFunc(50*time.Millisecond, func() { _ = peer.Close() })
			begun := time.Now()
			_, err := c.Read(make([]byte, 1))
			mustBe(t, err, wire.ErrGone)
			if took := time.Since(begun); took > time.Second {
				t.Errorf("noticed after %v", took)
			}
		})
	}
}

// A caller that stays is waited for, though it has sent its next request.
func TestWatchOfAPipeliningCaller(t *testing.T) {
	caller, peer := pair(t)
	send(t, peer, "GET /next")
	c, target := pair(t)
	c.Watch, c.ReadLimit = caller, time.Minute
	time.AfterFunc(600*time.Millisecond, func() { _, _ = target.Write([]byte("answer")) })
	expect(t, c, "answer")
}

// A peer that takes nothing for too long is let go, on a real socket.
func TestWriteLimitOfSocket(t *testing.T) {
	for name, ends := range kinds {
		t.Run(name, func(t *testing.T) {
			c, _ := ends(t)
			c.WriteLimit = 200 * time.Millisecond
			within(t, 10*time.Second, func() {
				var err error
				for b := make([]byte, 1<<20); err == nil; {
					_, err = c.Write(b)
				}
				if !errors.Is(err, wire.ErrIdle) {
					t.Errorf("error is %v, want %v", err, wire.ErrIdle)
				}
			})
		})
	}
}
