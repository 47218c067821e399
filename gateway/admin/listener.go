package admin

import (
	"container/list"
	"net"
	"sync"
)

// maxOpen connections are kept; the server has room for those that are about to
// end besides.
const maxOpen = 256

// Listener is l with a bound on its open connections that keeps nobody out: one
// too many ends the one that was accepted longest ago. Otherwise whoever holds
// connections open would make the probes of an orchestrator fail, and with them
// the process.
func Listener(l net.Listener) net.Listener { return &bounded{Listener: l} }

type bounded struct {
	net.Listener
	mu   sync.Mutex
	open list.List // of *open, the oldest first
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := &open{Conn: c, of: b}
	if oldest := b.add(n); oldest != nil {
		_ = oldest.Close() // whoever serves it takes notice
	}
	return n, nil
}

// add returns the connection that has to make room; nil: none.
func (b *bounded) add(n *open) *open {
	b.mu.Lock()
	defer b.mu.Unlock()
	n.place = b.open.PushBack(n)
	if b.open.Len() <= maxOpen {
		return nil
	}
	return b.open.Remove(b.open.Front()).(*open)
}

// open is a connection that is counted until it is closed.
type open struct {
	net.Conn
	of    *bounded
	place *list.Element
}

// Close implements net.Conn.
func (o *open) Close() error {
	o.of.mu.Lock()
	o.of.open.Remove(o.place) // nothing when it is out already
	o.of.mu.Unlock()
	return o.Conn.Close()
}
