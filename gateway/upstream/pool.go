package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// shards spread the idle connections so that cores do not queue for one lock.
const shards = 8

// keepIdle is how long a connection may wait for its next request. Servers
// commonly close after 60 s or more; below that the race with them is rare.
const keepIdle = 30 * time.Second

// pool keeps idle connections, the one used last first out.
type pool struct {
	shards [shards]shard
	open   atomic.Int64 // connections that exist
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

// put keeps c for later.
func (p *pool) put(c *conn, hint uint32, now time.Time) {
	c.idleSince = now
	s := &p.shards[hint%shards]
	s.mu.Lock()
	s.idle = append(s.idle, c)
	s.mu.Unlock()
	if !p.reaper.Load() && p.reaper.CompareAndSwap(false, true) {
		time.AfterFunc(keepIdle, p.sweep)
	}
}

// sweep closes connections that have waited too long, and comes again as long
// as any wait.
func (p *pool) sweep() {
	p.reaper.Store(false)
	limit, left := time.Now().Add(-keepIdle), false
	for i := range p.shards {
		old, some := p.shards[i].older(limit)
		left = left || some
		for _, c := range old {
			c.close()
		}
	}
	if left && p.reaper.CompareAndSwap(false, true) {
		time.AfterFunc(keepIdle/4, p.sweep)
	}
}

// older takes the connections idle since before limit; left says that younger
// ones stay.
func (s *shard) older(limit time.Time) (old []*conn, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(s.idle) && s.idle[n].idleSince.Before(limit) {
		n++
	}
	old = append(old, s.idle[:n]...)
	kept := copy(s.idle, s.idle[n:])
	clear(s.idle[kept:])
	s.idle = s.idle[:kept]
	return old, kept > 0
}

// empty closes all idle connections.
func (p *pool) empty() {
	for i := range p.shards {
		for c := p.shards[i].pop(); c != nil; c = p.shards[i].pop() {
			c.close()
		}
	}
}
