//go:build !linux

package wire

// unsent is how many bytes the system holds that the peer has not taken yet; here
// it is not asked.
func (c *Conn) unsent() int64 { return 0 }
