//go:build !linux

package wire

import "time"

// watcher is what a socket is looked at with; only Linux has it here.
type watcher struct{}

func (*watcher) init() {}

// Gone reports whether the peer has closed its side; here it is never known
// before a read or write fails.
func (c *Conn) Gone() bool { return false }

// Stale reports whether an idle connection must not be used again; here it
// shows when the request fails.
func (c *Conn) Stale() bool { return false }

// awaitReadable cannot wait here.
func (c *Conn) awaitReadable() error {
	_ = c.SetReadDeadline(time.Time{}) // a closed connection does not wait
	if c.deaf.Load() {
		return ErrGone
	}
	return nil
}
