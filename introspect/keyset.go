package introspect

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/fetch"
)

// keySet is the keys of one issuer and how they are kept up to date. Reading
// them takes no lock. A set from a file is complete from the start; one from an
// address is fetched by one goroutine, from start to stop. It outlives the Set
// that made it while later ones have the same source.
type keySet struct {
	source  source
	client  *fetch.Client
	current atomic.Pointer[keys]
	fetched atomic.Int64 // Unix nanoseconds of the last good fetch; MaxInt64: never stale

	wake   chan struct{} // something was asked of the goroutine
	last   document      // the goroutine's own
	unkept bool          // likewise: the last fetch could not be kept

	life  sync.Mutex // held while the goroutine is started or ended
	owner *Set       // may end it
	stop  func()     // ends it; nil: none runs

	mu      sync.Mutex // guards what follows, never while fetching
	running bool
	care    care      // how it is kept; the owner's
	flight  *flight   // the fetch that is running or asked for
	bucket  bucket    // of fetches on demand
	missing absentees // kids that the last fetch did not bring
	history history
}

// care is how a key set is kept up to date.
type care struct {
	refresh    time.Duration // see pause
	unknownKid time.Duration // gives one fetch on demand back
	changed    func()        // called after a good fetch
	keep       string        // folder in which the last good one is kept; "": nowhere
	observe    func(Fetch)   // called after each fetch; nil: nobody
	log        *zap.Logger
}

// flight is one fetch, shared by all who wait for it.
type flight struct {
	done  chan struct{}
	err   error // set before done is closed
	begun bool  // no longer only asked for; guarded by the key set's mu
}

// document is the key set as it was last read.
type document struct {
	address, etag string
	body          []byte // only where it is kept
}

// history is what happened to a key set.
type history struct {
	fetches, failures, unknownKids uint64

	next       time.Time
	lastError  error // nil: the last fetch was good
	lastFailed time.Time
}

func newKeySet(s source, client *fetch.Client) *keySet {
	return &keySet{source: s, client: client, wake: make(chan struct{}, 1)}
}

// load is the keys as they are, nil before the first fetch.
func (k *keySet) load() *keys { return k.current.Load() }

// fresh reports whether there are keys, and not older than maxStale.
func (k *keySet) fresh(now time.Time, maxStale time.Duration) bool {
	fetched := k.fetched.Load()
	return fetched == math.MaxInt64 || fetched != 0 && now.UnixNano()-fetched <= int64(maxStale)
}

// hold gives the set keys that never change.
func (k *keySet) hold(content *keys) {
	k.current.Store(content)
	k.fetched.Store(math.MaxInt64)
}

// replace makes content the keys of now on and reports whether that changed
// anything. Keys that left are marked at once.
func (k *keySet) replace(content *keys) (changed bool) {
	before := k.current.Load()
	content.adopt(before)
	if before != nil && slices.Equal(before.all, content.all) && slices.Equal(before.skipped, content.skipped) {
		return false
	}
	k.current.Store(content)
	before.retire(content)
	return true
}

// start makes s the owner and has the keys fetched, unless they are being
// fetched already: then only the care changes.
func (k *keySet) start(s *Set, c care) {
	if !k.source.remote() {
		return
	}
	k.life.Lock()
	defer k.life.Unlock()
	k.owner = s
	if k.stop == nil {
		k.restore(c.keep, c.log)
	}
	k.mu.Lock()
	k.care, k.running = c, true
	if k.stop == nil {
		k.ask() // the first fetch is free
	}
	k.mu.Unlock()
	if k.stop == nil {
		k.stop = k.launch()
		return
	}
	k.poke()
}

// end stops fetching if s is still the owner. It returns when the goroutine has
// ended.
func (k *keySet) end(s *Set) {
	k.life.Lock()
	defer k.life.Unlock()
	if k.owner != s || k.stop == nil {
		return
	}
	k.mu.Lock()
	k.running = false
	k.mu.Unlock()
	k.stop()
	k.stop = nil
	k.client.Close()
}

// poke wakes the goroutine.
func (k *keySet) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
