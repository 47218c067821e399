package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// shards spread the idle connections so that cores do not queue for one lock.
const shards = 8

// pool keeps idle connections, the one used last first out.
type pool struct {
	keep   time.Duration // how long a connection may wait for its next request
	most   int64         // connections that may wait; 0: no limit
	shards [shards]shard
	open   atomic.Int64 // connections that exist
	waits  atomic.Int64 // those that wait, counted where there is a limit
	reaper atomic.Bool  // a sweep is due
}

type shard struct {
	mu   sync.Mutex
	idle []*conn
	_    [32]byte // keeps two shards off one cache line
}

// get takes an idle connection that is still alive, looking first where the
// same caller left one.
func (p *pool) get(hint uint32) *conn {
	for i := uint32(0); i < shards; i++ {
		s := &p.shards[(hint+i)%shards]
		for {
			c := s.pop()
			if c == nil {
				break
			}
			p.took(1)
			if !c.Stale() {
				return c
			}
			c.close()
		}
	}
	return nil
}

func (s *shard) pop() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	c := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	return c
}

// idle counts the connections that wait.
func (p *pool) idle() (n int64) {
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		n += int64(len(s.idle))
		s.mu.Unlock()
	}
	return n
}

// took notes that connections do not wait any more.
func (p *pool) took(n int) {
	if p.most > 0 {
		p.waits.Add(int64(-n))
	}
}

// put keeps c for later; false: as many wait as may.
func (p *pool) put(c *conn, hint uint32, now time.Time) bool {
	if p.most > 0 && p.waits.Add(1) > p.most {
		p.waits.Add(-1)
		return false
	}
	c.idleSince = now
	s := &p.shards[hint%shards]
	s.mu.Lock()
	s.idle = append(s.idle, c)
	s.mu.Unlock()
	if !p.reaper.Load() && p.reaper.CompareAndSwap(false, true) {
		time.AfterFunc(p.keep, p.sweep)
	}
	return true
}

// sweep closes connections that have waited too long, and comes again as long
// as any wait.
func (p *pool) sweep() {
	p.reaper.Store(false)
	limit := time.Now().Add(-p.keep)
	left := p.drop(func(c *conn) bool { return c.idleSince.Before(limit) })
	if left && p.reaper.CompareAndSwap(false, true) {
		time.AfterFunc(max(p.keep/4, 10*time.Millisecond), p.sweep)
	}
}

// drop closes the idle connections that which says, and reports whether others
// are left.
func (p *pool) drop(which func(*conn) bool) (left bool) {
	for i := range p.shards {
		dropped, some := p.shards[i].take(which)
		left = left || some
		p.took(len(dropped))
		for _, c := range dropped {
			c.close()
		}
	}
	return left
}

// take takes the idle connections that which says; left says that others stay.
func (s *shard) take(which func(*conn) bool) (taken []*conn, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.idle[:0]
	for _, c := range s.idle {
		if which(c) {
			taken = append(taken, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(s.idle[len(kept):])
	s.idle = kept
	return taken, len(kept) > 0
}

// empty closes all idle connections.
func (p *pool) empty() { p.drop(func(*conn) bool { return true }) }
