package gateway

import (
	"context"
	"fmt"
)

// accepts counts the listeners that connections come from.
func (s *server) accepts(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepting += change
	s.settle()
}

// join makes a connection known to a drain; false says that it is too late even
// for that. leave must follow.
func (s *server) join(c *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c] = struct{}{}
	return !s.aborted
}

// leave forgets a connection that has ended.
func (s *server) leave(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
	s.dismiss(c.peer.Addr())
	s.settle()
}

// settle ends a drain when nothing is left of what was accepted. s.mu is held.
func (s *server) settle() {
	if s.draining.Load() && s.accepting == 0 && s.open.Load() == 0 && !s.settled {
		s.settled = true
		close(s.idle)
	}
}

// shutdown ends the connections that have no request, lets requests finish until
// ctx ends, and then ends what is left. The listeners are closed already.
func (s *server) shutdown(ctx context.Context) error {
	s.drain()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
	}
	return s.abort()
}

// drain makes the connections that wait for a request say goodbye.
func (s *server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaving.Store(true)
	s.draining.Store(true)
	for c := range s.sessions {
		if c.idle.Load() {
			c.conn.Wake()
		}
	}
	s.settle()
}

// drained reports whether a drain has begun, after it has woken all who waited.
func (s *server) drained() bool {
	if !s.draining.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return true
}

// abort ends every connection that is left.
func (s *server) abort() error {
	s.mu.Lock()
	s.aborted = true
	left := 0
	for c := range s.sessions {
		if !c.idle.Load() {
			left++
		}
		c.conn.Stop()
		// Tunnels end as their protocol has it, but over TLS, where a goodbye
		// could wait for a peer that does not read.
		if !c.tunnels.Load() || c.tls != 0 {
			_ = c.conn.Reset() // cut short, and it shall look so
		}
	}
	s.mu.Unlock()
	<-s.idle
	if left > 0 {
		return fmt.Errorf("%d connections were cut: their requests had not finished within shutdown.grace", left)
	}
	return nil
}
