package introspect

import (
	"math/rand/v2"
	"sync/atomic"
)

// tally counts events of all processors without one cache line that each of
// them must have for itself, each time.
type tally struct{ stripes [16]stripe }

// stripe is a counter with its neighbours out of reach of its cache line and of
// the next one, which processors fetch along.
type stripe struct {
	count atomic.Uint64
	_     [120]byte
}

func (t *tally) add() { t.stripes[rand.Uint32()%uint32(len(t.stripes))].count.Add(1) }

func (t *tally) sum() (n uint64) {
	for i := range t.stripes {
		n += t.stripes[i].count.Load()
	}
	return n
}
