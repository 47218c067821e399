package wire

import "golang.org/x/sys/unix"

// unsent is how many bytes the system holds that the peer has not taken yet; 0
// where it does not tell.
func (c *Conn) unsent() (held int64) {
	if c.raw == nil {
		return 0
	}
	_ = c.raw.Control(func(fd uintptr) { // fails on a closed connection, as the write will
		if n, err := unix.IoctlGetInt(int(fd), unix.TIOCOUTQ); err == nil {
			held = int64(n)
		}
	})
	return held
}
