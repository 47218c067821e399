package quota

import (
	"container/heap"
	"sync"
)

// ident stands for a key: two hashes of it under seeds that nobody knows. That
// two keys have the same one does not happen.
type ident [2]uint64

// kept is a counter in a shard.
type kept struct {
	counter
	id     ident
	ranked int64 // what until was when it got its place; it only grows since. 0: it has none
	place  int
}

// shard is a part of the counters. They are ranked by when they are at rest, by
// and large: one that is used again keeps its place until it comes first.
type shard struct {
	mu    sync.Mutex
	index map[ident]*kept
	ranks ranks
	_     [64]byte // the next one is on a cache line of its own
}

// first is the counter that is at rest before all others; nil: there is none.
func (s *shard) first() *kept {
	for len(s.ranks) > 0 {
		k := s.ranks[0]
		if k.ranked >= k.until {
			return k
		}
		k.ranked = k.until
		heap.Fix(&s.ranks, 0)
	}
	return nil
}

func (s *shard) rank(k *kept) {
	k.ranked = k.until
	heap.Push(&s.ranks, k)
}

// drop forgets a counter, whose memory may be used again.
func (s *shard) drop(k *kept) *kept {
	heap.Remove(&s.ranks, k.place)
	delete(s.index, k.id)
	return k
}

// ranks is a heap, the first to rest on top.
type ranks []*kept

// Len implements heap.Interface.
func (r ranks) Len() int { return len(r) }

// Less implements heap.Interface.
func (r ranks) Less(i, j int) bool { return r[i].ranked < r[j].ranked }

// Swap implements heap.Interface.
func (r ranks) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].place, r[j].place = i, j
}

// Push implements heap.Interface.
func (r *ranks) Push(k any) {
	k.(*kept).place = len(*r)
	*r = append(*r, k.(*kept))
}

// Pop implements heap.Interface.
func (r *ranks) Pop() any {
	last := len(*r) - 1
	k := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	return k
}
