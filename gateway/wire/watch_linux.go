package wire

import "golang.org/x/sys/unix"

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
