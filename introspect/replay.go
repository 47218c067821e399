package introspect

import (
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"sync"
	"time"
)

// replays remembers which proofs were shown, each for at least a lifetime and at
// most two. It is bounded: when it is full it takes no more, for a proof that is
// not remembered could be shown again. No holder may fill more than a share of it,
// so that one who makes proofs without end keeps nobody else out.
type replays struct {
	life   time.Duration
	seed   maphash.Seed // of holders
	shards [16]replayShard
}

type replayShard struct {
	mu            sync.Mutex
	most          int // in each of the two
	since         time.Time
	now, previous map[proofID]struct{}
	held          map[uint64]int // of now, by the hash of the holder
}

// proofID stands for a key and the jti of a proof by it.
type proofID [16]byte

// share is the part of the memory that one holder may fill.
const share = 4

func newReplays(entries int, life time.Duration) *replays {
	r := &replays{life: life, seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].most = max(entries/len(r.shards), 1)
		r.shards[i].forget()
	}
	return r
}

// add remembers a proof, or says that it was shown before.
func (r *replays) add(holder, proof string, now time.Time) error {
	sum := sha256.Sum256([]byte(proof))
	mark, by := proofID(sum[:16]), maphash.String(r.seed, holder)
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
	case s.held[by] >= max(s.most/share, 1):
		return fmt.Errorf("%w: too many proofs of one holder to remember", ErrBusy)
	}
	s.now[mark] = struct{}{}
	s.held[by]++
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
	s.forget()
	s.since = now
}

// forget begins anew.
func (s *replayShard) forget() { s.now, s.held = map[proofID]struct{}{}, map[uint64]int{} }
