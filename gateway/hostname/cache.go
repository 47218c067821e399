package hostname

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// cache keeps answers by address, within a fixed number of slots. Nothing in it
// is locked: an entry never changes, and stands in one of the few slots after
// its hash.
type cache struct {
	seed  maphash.Seed
	slots []atomic.Pointer[entry]
}

type entry struct {
	addr netip.Addr
	answer
	until int64 // Unix nanoseconds
}

// window is in how many slots an entry may be.
const window = 8

func newCache(entries int) *cache {
	return &cache{seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[entry], max(entries, 1))}
}

// slot is the i-th slot in which addr's entry may be.
func (c *cache) slot(hash uint64, i int) *atomic.Pointer[entry] {
	return &c.slots[(hash+uint64(i))%uint64(len(c.slots))]
}

// find returns what is kept of addr. It allocates nothing.
func (c *cache) find(addr netip.Addr, now time.Time) (answer, bool) {
	hash := maphash.Comparable(c.seed, addr)
	for i := range window {
		if e := c.slot(hash, i).Load(); e != nil && e.addr == addr && now.UnixNano() < e.until {
			return e.answer, true
		}
	}
	return answer{}, false
}

// add keeps an answer in the place of an older one of addr, or else of the one
// that ends first.
func (c *cache) add(addr netip.Addr, a answer, until time.Time) {
	hash := maphash.Comparable(c.seed, addr)
	at := c.slot(hash, 0)
	first := at.Load()
	for i := range window {
		slot := c.slot(hash, i)
		e := slot.Load()
		if e == nil || e.addr == addr {
			at = slot
			break
		}
		if e.until < first.until {
			at, first = slot, e
		}
	}
	at.Store(&entry{addr: addr, answer: a, until: until.UnixNano()})
}

// count is how many answers are still good.
func (c *cache) count(now time.Time) (n int) {
	for i := range c.slots {
		if e := c.slots[i].Load(); e != nil && now.UnixNano() < e.until {
			n++
		}
	}
	return n
}
