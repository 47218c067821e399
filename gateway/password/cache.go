package password

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"time"
)

// fingerprint stands for a user, what is kept of its password and what it has
// shown. It is made with a key that no other process knows.
type fingerprint [32]byte

func (f *fingerprint) number() uint64 { return binary.LittleEndian.Uint64(f[:]) }

// window is in how many slots an entry may be.
const window = 8

// cache remembers what was right until it is too old. It is never locked, and
// never grows: an entry takes the place of the oldest in its window.
type cache struct {
	ttl   time.Duration
	slots []atomic.Pointer[right]
}

// right is a fingerprint of what was right.
type right struct {
	fingerprint
	until int64 // Unix nanoseconds
}

// newCache holds so many entries at most; without a time it holds none.
func newCache(entries int, ttl time.Duration) *cache {
	if ttl <= 0 {
		return &cache{}
	}
	return &cache{ttl, make([]atomic.Pointer[right], roundDown(entries))}
}

// roundDown is the power of two below n, and at least a window.
func roundDown(n int) int {
	return max(window, 1<<(bits.Len(uint(min(max(n, 1), 1<<24)))-1))
}

func (c *cache) slot(f *fingerprint, i int) *atomic.Pointer[right] {
	return &c.slots[(f.number()+uint64(i))&uint64(len(c.slots)-1)]
}

// holds reports whether that was right a while ago. It allocates nothing.
func (c *cache) holds(f *fingerprint, now time.Time) bool {
	if len(c.slots) == 0 {
		return false
	}
	for i := range window {
		if e := c.slot(f, i).Load(); e != nil && e.fingerprint == *f {
			return now.UnixNano() < e.until
		}
	}
	return false
}

func (c *cache) add(f *fingerprint, now time.Time) {
	if len(c.slots) == 0 {
		return
	}
	oldest, least := c.slot(f, 0), int64(0)
	for i := range window {
		at := c.slot(f, i)
		e := at.Load()
		if e == nil || e.fingerprint == *f {
			oldest = at
			break
		}
		if i == 0 || e.until < least {
			oldest, least = at, e.until
		}
	}
	oldest.Store(&right{*f, now.Add(c.ttl).UnixNano()})
}
