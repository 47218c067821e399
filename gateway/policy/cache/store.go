package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// Bounds beside the size that is configured.
const (
	shards      = 16
	epochs      = 1024
	maxVariants = 16               // of one key, by Vary
	passFor     = 10 * time.Second // nobody waits for what was not kept
	recordSize  = 256              // what one costs beside its key
)

// Store is the memory of one section at one API. Generations share it as long as
// the section stays the same. It is safe for concurrent use.
type Store struct {
	limit    int64
	maxEntry int64 // 0: limit
	wait     time.Duration
	max      int // that wait for one answer; 0: none

	seed   maphash.Seed
	shards [shards]shard
	used   atomic.Int64
	clock  atomic.Uint32 // which shard gives room next
	// epochs count what ends all answers of a path. Paths share them, so that they
	// need no room of their own.
	epochs [epochs]atomic.Uint32

	hits, misses, evictions atomic.Int64
}

// shard is a part of the store with its own lock.
type shard struct {
	mu      sync.Mutex
	records map[string]*record
	flights map[string]*flight
	oldest  *record // of all that are here, by use
	newest  *record
	entries int64
	bytes   int64
}

// record is what is kept for a key.
type record struct {
	key         string
	variants    []*entry  // the newest last
	pass        time.Time // until then nobody waits for the answer
	bytes       int64
	older, next *record
}

// flight is a request whose answer others wait for.
type flight struct {
	done    chan struct{}
	waiting int
}

// New makes an empty store.
func New(cfg *config.Cache) *Store {
	s := &Store{limit: int64(cfg.Size), maxEntry: cfg.MaxEntry.Limit(), seed: maphash.MakeSeed()}
	if s.maxEntry == 0 {
		s.maxEntry = s.limit
	}
	if c := cfg.Collapse; c != nil && !c.None {
		s.wait, s.max = c.Wait.Limit(), c.Max
	}
	for i := range s.shards {
		s.shards[i].records, s.shards[i].flights = map[string]*record{}, map[string]*flight{}
	}
	return s
}

func (s *Store) shard(key []byte) *shard {
	return &s.shards[maphash.Bytes(s.seed, key)%shards]
}

// epoch is the one of a path.
func (s *Store) epoch(path []byte) *atomic.Uint32 {
	return &s.epochs[maphash.Bytes(s.seed, path)%epochs]
}

// found is what a look into the store has brought.
type found struct {
	entry  *entry  // nil: none
	flight *flight // nil: there is none, and none is needed
	leads  bool    // the flight is the asking one's own
	known  bool    // there are answers for others that ask otherwise
}

// look finds the answer for x. Without a fresh one, the first to ask leads a
// flight; join says whether the others may wait for it.
func (s *Store) look(x *exchange.Exchange, l *look, join bool) (f found) {
	sh := s.shard(l.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.records[string(l.key)]
	if r != nil {
		sh.use(r)
		f.entry, f.known = r.find(x, l.epoch.Load())
		if l.good(f.entry) || r.pass.After(l.asked.sent) {
			return f
		}
	}
	if !join || s.max == 0 {
		return f
	}
	if running := sh.flights[string(l.key)]; running != nil {
		if running.waiting < s.max {
			running.waiting++
			f.flight = running
		}
		return f
	}
	f.flight, f.leads = &flight{done: make(chan struct{})}, true
	sh.flights[string(l.key)] = f.flight
	return f
}

// land lets those go that wait for a flight, and says how many there were.
func (s *Store) land(key string, f *flight) int {
	sh := s.shard([]byte(key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.flights[key] == f {
		delete(sh.flights, key)
	}
	close(f.done)
	return f.waiting
}

// find is the newest variant that fits x; known says that there are others.
func (r *record) find(x *exchange.Exchange, epoch uint32) (found *entry, known bool) {
	for i := len(r.variants) - 1; i >= 0; i-- {
		e := r.variants[i]
		if e.epoch != epoch {
			continue
		}
		if e.fits(&x.Head) {
			return e, true
		}
		known = true
	}
	return nil, known
}

// keep puts an answer into the store, for which room was taken before, in place
// of one that was asked for alike.
func (s *Store) keep(key string, e *entry) {
	sh := s.shard([]byte(key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.record(s, key)
	r.pass = time.Time{}
	kept := r.variants[:0]
	for _, v := range r.variants {
		if v.epoch != e.epoch || v.asksLike(e) {
			s.drop(sh, r, v)
			continue
		}
		kept = append(kept, v)
	}
	if len(kept) == maxVariants {
		s.drop(sh, r, kept[0])
		s.evictions.Add(1)
		kept = append(kept[:0], kept[1:]...)
	}
	clear(r.variants[len(kept):])
	r.variants = append(kept, e)
	r.bytes += e.size
	sh.bytes += e.size
	sh.entries++
}

// forget removes an answer that must be given to nobody any more.
func (s *Store) forget(key []byte, e *entry) {
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.records[string(key)]
	if r == nil {
		return
	}
	for i, v := range r.variants {
		if v == e {
			s.drop(sh, r, v)
			r.variants = append(r.variants[:i], r.variants[i+1:]...)
			return
		}
	}
}

// pass notes that an answer that others waited for was not kept: waiting for the
// next one is no use.
func (s *Store) pass(key string, now time.Time) {
	n := int64(len(key)) + recordSize
	if !s.reserve(n) {
		return
	}
	s.release(n) // the record takes it
	sh := s.shard([]byte(key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.record(s, key).pass = now.Add(passFor)
}

// drop takes the bytes of a variant off; the shard is locked.
func (s *Store) drop(sh *shard, r *record, e *entry) {
	r.bytes -= e.size
	sh.bytes -= e.size
	sh.entries--
	s.used.Add(-e.size)
}

// record is the one of a key, made if need be; the shard is locked.
func (sh *shard) record(s *Store, key string) *record {
	r := sh.records[key]
	if r == nil {
		r = &record{key: key, bytes: int64(len(key)) + recordSize}
		sh.records[key] = r
		sh.bytes += r.bytes
		s.used.Add(r.bytes)
		sh.push(r)
	}
	return r
}

// Counts are those of a store, for metrics. Hits, Misses and Evictions only grow.
type Counts struct{ Hits, Misses, Evictions, Entries, Bytes int64 }

// Counts tells how the store fares. Bytes are all that its size bounds, what is
// being read included.
func (s *Store) Counts() Counts {
	c := Counts{Hits: s.hits.Load(), Misses: s.misses.Load(), Evictions: s.evictions.Load(), Bytes: s.used.Load()}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		c.Entries += sh.entries
		sh.mu.Unlock()
	}
	return c
}
