package introspect

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync/atomic"
	"time"
)

// cache holds what verified tokens say, by the whole token. Nothing in it is
// locked: a slot is an atomic pointer to an entry that never changes, looked
// for in the few slots after its hash. Readers write to nothing that they
// share, but for the first one after the clock has passed.
type cache struct {
	limits  CacheLimits
	seed    maphash.Seed
	slots   []atomic.Pointer[entry] // a power of two, at least twice limits.Entries
	entries atomic.Int64
	bytes   atomic.Int64
	hand    atomic.Uint64 // of the clock that evicts
	evicted atomic.Uint64
	hits    tally
	misses  tally
}

// CacheLimits bound the cache by both of its fields.
type CacheLimits struct {
	Entries int   `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

const (
	window    = 16   // slots in which an entry may be
	patience  = 1024 // slots the clock looks at before it spares nothing
	entryCost = 256  // of an entry and its Token, without what they point to
	maxSlots  = 1 << 24
)

// entry is one verified token.
type entry struct {
	hash     uint64
	raw      string
	token    *Token
	server   *server // that vouches for it; nil in a cache of answers
	key      *key    // that verified it
	fresh    int64   // Unix nanoseconds until which an answer serves without asking again
	refusal  error   // an answer that refuses the token
	deadline int64   // Unix nanoseconds: exp and the clock skew, or the key's own end
	cost     int64
	used     atomic.Bool // since the clock has passed
}

// usable reports whether the token may still be believed.
func (e *entry) usable(now time.Time) bool {
	return now.UnixNano() < e.deadline && (e.server == nil || !e.key.gone.Load() && e.server.fresh(now))
}

func newCache(limits CacheLimits) *cache {
	size := 1 << bits.Len(uint(2*max(limits.Entries, window)-1))
	return &cache{
		limits: limits,
		seed:   maphash.MakeSeed(),
		slots:  make([]atomic.Pointer[entry], min(size, maxSlots)),
	}
}

// slot is the i-th slot in which an entry with this hash may be.
func (c *cache) slot(hash uint64, i int) *atomic.Pointer[entry] {
	return &c.slots[(hash+uint64(i))&uint64(len(c.slots)-1)]
}

// find returns the entry of raw that the view vouches for, if it is
// usable. It allocates nothing.
func (c *cache) find(raw string, v *view, now time.Time) *entry {
	hash := maphash.String(c.seed, raw)
	for i := range window {
		e := c.slot(hash, i).Load()
		if e == nil || e.hash != hash || e.raw != raw || !v.vouches(e.server) || !e.usable(now) {
			continue
		}
		if !e.used.Load() {
			e.used.Store(true)
		}
		c.hits.add()
		return e
	}
	c.misses.add()
	return nil
}

// add keeps a token that was just verified. It copies raw.
func (c *cache) add(raw string, e *entry) {
	e.cost += int64(len(raw)) + entryCost
	if e.cost > c.limits.Bytes || c.limits.Entries < 1 {
		return
	}
	e.raw = strings.Clone(raw)
	e.hash = maphash.String(c.seed, raw)
	c.entries.Add(1)
	c.bytes.Add(e.cost)
	c.makeRoom()
	for i := range window {
		at := c.slot(e.hash, i)
		old := at.Load()
		if old != nil && (old.hash != e.hash || old.raw != e.raw || old.server != e.server) {
			continue
		}
		if at.CompareAndSwap(old, e) {
			c.forget(old)
			return
		}
	}
	// The window is full: the entry takes the place of one that was not used.
	at := c.slot(e.hash, 0)
	for i := range window {
		if other := c.slot(e.hash, i); !other.Load().inUse() {
			at = other
			break
		}
	}
	if old := at.Swap(e); old != nil {
		c.forget(old)
		c.evicted.Add(1)
	}
}

// drop forgets what is known of a token.
func (c *cache) drop(raw string) {
	hash := maphash.String(c.seed, raw)
	for i := range window {
		at := c.slot(hash, i)
		if e := at.Load(); e != nil && e.hash == hash && e.raw == raw && at.CompareAndSwap(e, nil) {
			c.forget(e)
		}
	}
}

func (e *entry) inUse() bool { return e != nil && e.used.Load() }

// forget takes an entry that has left its slot off the account.
func (c *cache) forget(e *entry) {
	if e != nil {
		c.entries.Add(-1)
		c.bytes.Add(-e.cost)
	}
}

func (c *cache) full() bool {
	return c.entries.Load() > int64(c.limits.Entries) || c.bytes.Load() > c.limits.Bytes
}

// makeRoom evicts until what is accounted for is within the limits. Entries
// used since the clock's last round are spared, but not for long.
func (c *cache) makeRoom() {
	for looked := 0; c.full() && looked < len(c.slots)+patience; looked++ {
		at := c.slot(c.hand.Add(1), 0)
		e := at.Load()
		if e == nil || looked < patience && e.used.Swap(false) {
			continue
		}
		if at.CompareAndSwap(e, nil) {
			c.forget(e)
			c.evicted.Add(1)
		}
	}
}

// sweep drops what is of no use any more.
func (c *cache) sweep(now time.Time) {
	for i := range c.slots {
		at := &c.slots[i]
		if e := at.Load(); e != nil && !e.usable(now) && at.CompareAndSwap(e, nil) {
			c.forget(e)
		}
	}
}
