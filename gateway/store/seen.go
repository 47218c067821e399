package store

import (
	"sync"
	"time"
)

// ident stands for a counter: a part of a cryptographic hash of its name, which
// is the same in every copy.
type ident [16]byte

// amount is what this copy has last seen of a counter: requests of a window, or
// a theoretical arrival time. Amounts of one counter only grow until they end.
type amount struct {
	value int64
	ends  int64 // nanoseconds since 1970
}

// seen is what this copy knows of counters in Redis. It is bounded: of more than
// it has room for, those that were used last stay.
type seen struct {
	shards [shards]struct {
		mu         sync.Mutex
		young, old map[ident]amount // old is what young was when it was full
		_          [40]byte
	}
	room int // of young in one shard
}

// shards is how many parts there are, each with a lock of its own.
const shards = 16

func newSeen(room int) *seen {
	s := &seen{room: max(room/(2*shards), 1)}
	for i := range s.shards {
		s.shards[i].young = map[ident]amount{}
	}
	return s
}

// note remembers an amount, unless a higher one of the same time is known.
func (s *seen) note(id ident, value int64, ends, now time.Time) {
	p := &s.shards[id[0]%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.young[id]
	if !ok {
		known = p.old[id]
		delete(p.old, id)
		if len(p.young) >= s.room {
			p.old, p.young = p.young, make(map[ident]amount, s.room)
		}
	}
	if known.ends < now.UnixNano() || known.value < value {
		known = amount{value, ends.UnixNano()}
	}
	p.young[id] = known
}

// known are the amounts that have not ended.
func (s *seen) known(now time.Time) map[ident]amount {
	all := map[ident]amount{}
	for i := range s.shards {
		p := &s.shards[i]
		p.mu.Lock()
		for _, part := range []map[ident]amount{p.old, p.young} {
			for id, a := range part {
				if a.ends > now.UnixNano() {
					all[id] = a
				}
			}
		}
		p.mu.Unlock()
	}
	return all
}
