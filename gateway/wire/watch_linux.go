package wire

import (
	"time"

	"golang.org/x/sys/unix"
)

// watcher looks at a socket without reading from it. POLLRDHUP tells that the
// peer has left; peeking at bytes could not on TLS, where its goodbye is bytes
// too. The function and its result live here so that a look allocates nothing.
type watcher struct {
	look   func(fd uintptr)
	events int16
	fds    [1]unix.PollFd
	seen   bool
}

func (w *watcher) init() {
	w.look = func(fd uintptr) {
		w.fds[0] = unix.PollFd{Fd: int32(fd), Events: w.events}
		n, err := unix.Poll(w.fds[:], 0)
		w.seen = err == nil && n > 0
	}
}

// Gone reports whether the peer has closed its side. Like net/http, it takes a
// caller that half-closes after its request for one that has left. It never
// blocks, and is false where a socket cannot be looked at. One goroutine at a
// time.
func (c *Conn) Gone() bool { return c.look(unix.POLLRDHUP) }

// Stale reports whether an idle connection must not be used again: its peer has
// left, or has sent what nobody asked for.
func (c *Conn) Stale() bool { return c.look(unix.POLLIN | unix.POLLRDHUP) }

func (c *Conn) look(events int16) bool {
	if c.raw == nil {
		return false
	}
	c.watcher.events, c.watcher.seen = events, false
	if err := c.raw.Control(c.watcher.look); err != nil {
		return true
	}
	return c.watcher.seen
}

// awaitReadable waits until a read would not wait: for bytes, for the end of the
// connection, or for Stop. Unlike a read it needs no buffer. Where a socket
// cannot be waited for it returns at once.
func (c *Conn) awaitReadable() error {
	_ = c.SetReadDeadline(time.Time{}) // a closed connection does not wait
	if c.deaf.Load() {
		return ErrGone
	}
	if c.raw == nil {
		return nil
	}
	return c.raw.Read(func(fd uintptr) bool {
		look := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}
		n, err := unix.Poll(look[:], 0)
		return err != nil || n > 0
	})
}
