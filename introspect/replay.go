package introspect

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// replays remembers which proofs were shown, each for at least a lifetime and at
// most two. It is bounded: when it is full it takes no more, for a proof that is
// not remembered could be shown again.
type replays struct {
	life   time.Duration
	shards [16]replayShard
}

type replayShard struct {
	mu            sync.Mutex
	most          int // in each of the two
	since         time.Time
	now, previous map[proofID]struct{}
}

// proofID stands for a key and the jti of a proof by it.
type proofID [16]byte

func newReplays(entries int, life time.Duration) *replays {
	r := &replays{life: life}
	for i := range r.shards {
		r.shards[i].most = max(entries/len(r.shards), 1)
		r.shards[i].now = map[proofID]struct{}{}
	}
	return r
}

// add remembers a proof, or says that it was shown before.
func (r *replays) add(key, id string, now time.Time) error {
	sum := sha256.Sum256([]byte(key + "\x00" + id))
	mark := proofID(sum[:16])
	s := &r.shards[sum[16]%16]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now, r.life)
	_, shown := s.now[mark]
	_, before := s.previous[mark]
	switch {
	case shown || before:
		return ErrReplay
	case len(s.now) >= s.most:
		return fmt.Errorf("%w: too many proofs to remember", ErrBusy)
	}
	s.now[mark] = struct{}{}
	return nil
}

// turn forgets what is older than a lifetime.
func (s *replayShard) turn(now time.Time, life time.Duration) {
	age := now.Sub(s.since)
	if age < life {
		return
	}
	s.previous = s.now
	if age >= 2*life {
		s.previous = nil
	}
	s.now, s.since = map[proofID]struct{}{}, now
}
