package cache

// use makes r the record that was used last.
func (sh *shard) use(r *record) {
	if sh.newest == r {
		return
	}
	sh.unlink(r)
	sh.push(r)
}

func (sh *shard) push(r *record) {
	r.older, r.next = sh.newest, nil
	if sh.newest != nil {
		sh.newest.next = r
	} else {
		sh.oldest = r
	}
	sh.newest = r
}

func (sh *shard) unlink(r *record) {
	if r.older != nil {
		r.older.next = r.next
	} else {
		sh.oldest = r.next
	}
	if r.next != nil {
		r.next.older = r.older
	} else {
		sh.newest = r.older
	}
	r.older, r.next = nil, nil
}

// remove takes a record out; the shard is locked.
func (s *Store) remove(sh *shard, r *record) {
	sh.unlink(r)
	delete(sh.records, r.key)
	sh.bytes -= r.bytes
	sh.entries -= int64(len(r.variants))
	s.used.Add(-r.bytes)
}

// reserve takes room for n bytes, from the answers that were not used for long. It
// is false where all room is taken by answers that are just being read.
func (s *Store) reserve(n int64) bool {
	s.used.Add(n)
	for misses := 0; s.used.Load() > s.limit; {
		if s.evict(&s.shards[s.clock.Add(1)%shards]) {
			misses = 0
		} else if misses++; misses == shards {
			s.used.Add(-n)
			return false
		}
	}
	return true
}

// release gives back room that nothing was kept in.
func (s *Store) release(n int64) { s.used.Add(-n) }

// evict removes the record of a shard that was not used for longest.
func (s *Store) evict(sh *shard) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sh.oldest
	if r == nil {
		return false
	}
	s.remove(sh, r)
	s.evictions.Add(int64(len(r.variants)))
	return true
}

// Purge removes all answers, those that are just being read too, and says how many
// were kept.
func (s *Store) Purge() (entries, bytes int64) {
	for i := range s.epochs {
		s.epochs[i].Add(1)
	}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		entries += sh.entries
		bytes += sh.bytes
		for sh.oldest != nil {
			s.remove(sh, sh.oldest)
		}
		sh.mu.Unlock()
	}
	return entries, bytes
}
