package trace

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Sampler decides which exchanges are sampled. It is safe for concurrent use
// and takes no lock.
type Sampler struct {
	// threshold compares with 53 random bits, of which a float64 can say any
	// ratio exactly.
	threshold uint64
	interval  int64        // nanoseconds between two samples at the limit
	next      atomic.Int64 // when the bucket is full again, Unix nanoseconds
}

const sampleBits = 53

// NewSampler samples a ratio (0 to 1) of what begins here, and at most
// perSecond of that and of what strangers ask for.
func NewSampler(ratio float64, perSecond int) *Sampler {
	return &Sampler{
		threshold: uint64(math.Round(ratio * (1 << sampleBits))),
		interval:  int64(time.Second) / int64(perSecond),
	}
}

// Root decides for a trace that begins now. The trace's id has no part in it:
// an id that a stranger chose must not choose this too.
func (s *Sampler) Root(now time.Time) bool {
	return rand.Uint64()>>(64-sampleBits) < s.threshold && s.Wish(now)
}

// Wish decides for a trace that somebody else wants sampled: as long as the
// limit is not reached.
func (s *Sampler) Wish(now time.Time) bool {
	at := now.UnixNano()
	for {
		next := s.next.Load()
		begin := max(next, at)
		if begin-at > int64(time.Second)-s.interval {
			return false
		}
		if s.next.CompareAndSwap(next, begin+s.interval) {
			return true
		}
	}
}
