package quota

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// Local keeps counters in this process. It is safe for concurrent use: of
// however many requests at once, exactly those are allowed that the rule allows.
//
// The counters are bounded. When a new key finds no room, a counter that is at
// rest makes some, and if there is none the one that would be first to be. Why:
// to refuse new keys would let a few callers lock out all others. To have a
// counter forgotten before its time takes as many keys as there is room for, and
// under each of those as much is allowed as was under it. Evicted tells how often
// it has happened.
type Local struct {
	keys    int64 // that there is room for
	share   int   // of each shard
	held    atomic.Int64
	evicted atomic.Uint64
	seeds   [2]maphash.Seed
	shards  []shard
}

// Of how many parts a store is, each with a lock of its own, and how many
// counters are worth a part.
const (
	maxShards = 32
	minShare  = 64
)

// NewLocal makes a store with room for so many counters. Keys are spread by
// chance, and each part has room for its share: a few per cent more may be kept.
func NewLocal(keys int) *Local {
	parts := min(max(keys/minShare, 1), maxShards)
	l := &Local{
		keys: int64(keys), share: (keys + parts - 1) / parts, shards: make([]shard, parts),
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
	}
	for i := range l.shards {
		l.shards[i].index = map[ident]*kept{}
	}
	return l
}

// Take counts a request that came now, under its key. It keeps nothing of key,
// allocates nothing for one that is known, and never fails.
func (l *Local) Take(_ context.Context, r *Rule, key []byte, now time.Time) (Decision, error) {
	id := ident{maphash.Bytes(l.seeds[0], key), maphash.Bytes(l.seeds[1], key)}
	s := &l.shards[id[0]%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.index[id]
	if k == nil {
		k = l.add(s, id, now.UnixNano())
	}
	d := k.take(r, now)
	if k.ranked == 0 {
		s.rank(k)
	}
	return d, nil
}

// Keys is how many counters there are, those at rest included.
func (l *Local) Keys() int64 { return l.held.Load() }

// Evicted is how many counters made room while they were in use.
func (l *Local) Evicted() uint64 { return l.evicted.Load() }

// add makes a counter, which is not yet ranked.
func (l *Local) add(s *shard, id ident, now int64) *kept {
	var k *kept
	for range 2 { // what came and went with a wave of callers goes as new ones come
		if first := s.first(); first != nil && first.until <= now {
			k = s.drop(first)
			l.held.Add(-1)
		}
	}
	if l.held.Add(1) > l.keys && len(s.index) >= l.share {
		k = s.drop(s.first())
		l.held.Add(-1)
		l.evicted.Add(1)
	}
	if k == nil {
		k = new(kept)
	}
	*k = kept{id: id}
	s.index[id] = k
	return k
}
