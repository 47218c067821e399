package introspect

import (
	"context"
	"strings"
	"time"
)

const (
	maxWait    = 2 * time.Second // of a request, for keys
	bucketSize = 3               // fetches on demand in a row
	maxMissing = 1024            // kids remembered as missing
)

// seek waits, until ctx ends at the latest, for a fetch that may bring the key
// kid, or any keys when there are none; it is not among those of known. It returns
// at once when no fetch may be made: the set is not being kept, the last fetch has
// just not brought this kid, or the fetches on demand are spent. late: there are
// newer keys already, or the fetch had begun before, so what it brought may be
// older than the key.
func (k *keySet) seek(ctx context.Context, kid string, known *keys) (late bool) {
	f, late := k.demand(kid, known)
	if f == nil {
		return late
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return false
	}
	if f.err == nil && !late {
		k.remember(kid)
	}
	return late
}

// demand joins the fetch under way, which is late, or asks for one; nil: there
// is none to wait for. A fetch that came back since known was looked at costs
// nothing: many wait for the same key, and one of them may be late.
func (k *keySet) demand(kid string, known *keys) (f *flight, late bool) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.load() != known:
		return nil, true
	case !k.running || k.load() != nil && k.missing.has(kid, now):
		return nil, false
	case k.flight != nil:
		return k.flight, k.flight.begun
	case !k.bucket.take(now, k.care.unknownKid):
		return nil, false
	}
	return k.ask(), false
}

// unknown counts a token that names a key which is not there.
func (k *keySet) unknown() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.history.unknownKids++
}

// ask requests a fetch. The caller holds mu.
func (k *keySet) ask() *flight {
	if k.flight == nil {
		k.flight = &flight{done: make(chan struct{})}
		k.poke()
	}
	return k.flight
}

// remember notes that a good fetch has just not brought kid.
func (k *keySet) remember(kid string) {
	content := k.load()
	if content != nil && kid != "" && content.byID[kid] != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.missing.add(kid, time.Now().Add(k.care.unknownKid))
}

// bucket counts fetches on demand; its zero value is full.
type bucket struct {
	spent int
	since time.Time // when the first of the spent ones began to come back
}

// take spends one, of which interval gives one back.
func (b *bucket) take(now time.Time, interval time.Duration) bool {
	if b.spent > 0 {
		back := min(int(now.Sub(b.since)/interval), b.spent)
		b.spent -= back
		b.since = b.since.Add(time.Duration(back) * interval)
	}
	if b.spent == bucketSize {
		return false
	}
	if b.spent == 0 {
		b.since = now
	}
	b.spent++
	return true
}

// absentees remembers for a while which kids a key set does not hold.
type absentees struct{ until map[string]time.Time }

func (a *absentees) has(kid string, now time.Time) bool {
	until, listed := a.until[kid]
	return listed && now.Before(until)
}

// add forgets all others when there are too many: what it protects is bounded
// by the bucket anyway.
func (a *absentees) add(kid string, until time.Time) {
	if a.until == nil || len(a.until) >= maxMissing {
		a.until = map[string]time.Time{}
	}
	a.until[strings.Clone(kid)] = until // not all of its token's header
}

func (a *absentees) clear() { a.until = nil }
