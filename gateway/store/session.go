package store

import (
	"sync"
	"sync/atomic"
	"time"
)

// session is a time without trouble: from when Redis took a write in time until
// too many questions in a row have failed.
type session struct {
	free   chan *conn    // has room for all there can be
	broken chan struct{} // one for each connection that must be replaced
	open   atomic.Int32  // connections
	failed atomic.Int32  // questions in a row

	once  sync.Once
	gone  func() // tells the store that it has ended
	ended chan struct{}
	cause error // set before ended is closed
}

// maxFailures in a row end a session.
const maxFailures = 3

func newSession(connections int) *session {
	return &session{free: make(chan *conn, connections), broken: make(chan struct{}, connections), ended: make(chan struct{})}
}

// add gives the session another connection.
func (n *session) add(c *conn) {
	n.open.Add(1)
	n.put(c)
}

// put makes a connection free; of an ended session it is closed.
func (n *session) put(c *conn) {
	n.free <- c
	select {
	case <-n.ended:
		n.drain()
	default:
	}
}

// take waits for a free connection, until the deadline; nil: none, or the
// session has ended.
func (n *session) take(deadline time.Time) *conn {
	select {
	case c := <-n.free:
		return c
	default:
	}
	wait := time.NewTimer(time.Until(deadline))
	defer wait.Stop()
	select {
	case c := <-n.free:
		return c
	case <-n.ended:
	case <-wait.C:
	}
	return nil
}

// give gives a connection back after a question that failed with err, or not.
func (n *session) give(c *conn, err error) {
	switch {
	case err == nil:
		if n.failed.Load() != 0 {
			n.failed.Store(0)
		}
	case n.failed.Add(1) >= maxFailures:
		n.end(err)
	}
	if err == nil || answered(err) {
		n.put(c)
		return
	}
	c.close()
	n.open.Add(-1)
	n.broken <- struct{}{}
}

// end closes the connections: those in use when they are given back.
func (n *session) end(cause error) {
	n.once.Do(func() {
		n.cause = cause
		n.gone()
		close(n.ended)
	})
	n.drain()
}

func (n *session) drain() {
	for {
		select {
		case c := <-n.free:
			c.close()
			n.open.Add(-1)
		default:
			return
		}
	}
}
