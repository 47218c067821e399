package wire

// flow is what has been written to a connection since its write deadline was
// armed. What the system still holds does not count as taken: it takes whole
// megabytes for a peer that reads nothing, and then nothing at all until a good
// part of them is gone, however steadily the peer reads.
type flow struct {
	written int64 // by Write
	before  int64 // held by the system when it began
}

// begin starts to count anew.
func (c *Conn) begin() {
	before := int64(0)
	if !c.writeBy.IsZero() {
		before = c.unsent()
	}
	c.flow = flow{before: before}
}

// tooSlow judges a peer for which a write has waited up to its deadline.
func (c *Conn) tooSlow() error {
	switch taken := c.flow.before + c.flow.written - c.unsent(); {
	case taken <= 0:
		return ErrIdle
	case float64(taken) < float64(c.WriteRate)*c.WriteLimit.Seconds():
		return ErrUnread
	}
	return nil
}
