//go:build !linux

package wire

// watcher is what a socket is looked at with; only Linux has it here.
type watcher struct{}

func (*watcher) init() {}

// Gone reports whether the peer has closed its side; here it is never known
// before a read or write fails.
func (c *Conn) Gone() bool { return false }

// Stale reports whether an idle connection must not be used again; here it
// shows when the request fails.
func (c *Conn) Stale() bool { return false }
