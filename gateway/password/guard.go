package password

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds on what is known of those who guess.
const (
	guardShards = 32
	guardSlots  = 512 // of each
)

// guard lets who has guessed wrong a few times pause. It counts by user and
// address together, so that nobody keeps a user out from elsewhere. It never
// grows: who fails anew takes the place of who has failed longest ago.
type guard struct {
	failures uint32
	pause    time.Duration // 0: nobody pauses
	until    atomic.Int64  // Unix nanoseconds after which nobody pauses
	shards   [guardShards]guardShard
}

type guardShard struct {
	mu    sync.Mutex
	slots [guardSlots]attempts
}

// attempts are those of one since it was right the last time.
type attempts struct {
	fingerprint
	count uint32
	last  int64 // Unix nanoseconds; 0: the slot is free
}

func newGuard(failures int, pause time.Duration) *guard {
	return &guard{failures: uint32(failures), pause: max(pause, 0)}
}

// quiet reports whether nobody pauses, without a lock.
func (g *guard) quiet(now time.Time) bool { return now.UnixNano() >= g.until.Load() }

func (g *guard) shard(f *fingerprint) *guardShard { return &g.shards[f[31]%guardShards] }

// slot is that of f, or the one that it may take; the shard is locked.
func (s *guardShard) slot(f *fingerprint) *attempts {
	oldest := &s.slots[f.number()%guardSlots]
	for i := range uint64(window) {
		a := &s.slots[(f.number()+i)%guardSlots]
		if a.fingerprint == *f {
			return a
		}
		if a.last < oldest.last {
			oldest = a
		}
	}
	return oldest
}

// left is how long who has failed must still pause.
func (g *guard) left(f *fingerprint, now time.Time) time.Duration {
	s := g.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.leftOf(s.slot(f), f, now)
}

func (g *guard) leftOf(a *attempts, f *fingerprint, now time.Time) time.Duration {
	if a.fingerprint != *f || a.count < g.failures {
		return 0
	}
	return max(0, g.pause-time.Duration(now.UnixNano()-a.last))
}

// begin counts an attempt as if it failed, so that many at once are no way to
// make more of them. It is not counted while its maker must pause.
func (g *guard) begin(f *fingerprint, now time.Time) (pause time.Duration) {
	if g.pause == 0 {
		return 0
	}
	s := g.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.slot(f)
	if left := g.leftOf(a, f, now); left > 0 {
		return left
	}
	if a.fingerprint != *f || now.UnixNano()-a.last >= int64(g.pause) {
		*a = attempts{fingerprint: *f}
	}
	a.count, a.last = a.count+1, now.UnixNano()
	return 0
}

// failed notes that an attempt, which begin has counted, was wrong.
func (g *guard) failed(now time.Time) {
	if end := now.Add(g.pause).UnixNano(); g.pause > 0 && end > g.until.Load() {
		g.until.Store(end) // one of several at once; they differ by nothing that counts
	}
}

// succeeded forgets the attempts of f.
func (g *guard) succeeded(f *fingerprint) { g.change(f, func(a *attempts) { *a = attempts{} }) }

// undecided takes one attempt back.
func (g *guard) undecided(f *fingerprint) { g.change(f, func(a *attempts) { a.count-- }) }

func (g *guard) change(f *fingerprint, change func(*attempts)) {
	if g.pause == 0 {
		return
	}
	s := g.shard(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.slot(f); a.fingerprint == *f && a.count > 0 {
		change(a)
	}
}
