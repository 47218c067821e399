package introspect

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
)

// How long to pause after a failed fetch: a random part of a bound that doubles
// from the first to the last, so that gateways do not come back all at once.
const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// launch starts the goroutine that fetches, and returns what ends it. The
// caller holds mu.
func (k *keySet) launch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.keep(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// keep fetches at once, and then whenever it is due or asked for.
func (k *keySet) keep(ctx context.Context) {
	for failed := 0; ; {
		f, begun := k.depart(), time.Now()
		content, answer, err := k.fetch(ctx)
		if ctx.Err() != nil {
			break
		}
		k.observed(begun, err)
		var wait time.Duration
		if err != nil {
			wait = backoff(failed)
			failed++
		} else {
			wait = pause(answer.MaxAge, k.caring().refresh)
			failed = 0
		}
		k.settle(content, err, begun.Add(wait))
		k.land(f, err)
		if !k.rest(ctx, begun, wait) {
			break
		}
	}
	k.land(k.depart(), ctx.Err())
}

// depart begins the fetch that was asked for, or one of its own.
func (k *keySet) depart() *flight {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.flight == nil {
		k.flight = &flight{done: make(chan struct{})}
	}
	k.flight.begun = true
	return k.flight
}

// land lets go those who waited for the fetch.
func (k *keySet) land(f *flight, err error) {
	k.mu.Lock()
	k.flight = nil
	k.mu.Unlock()
	f.err = err
	close(f.done)
}

// settle takes over the outcome of a fetch.
func (k *keySet) settle(content *keys, err error, next time.Time) {
	now := time.Now()
	recovered := k.record(err, now, next)
	c := k.caring()
	server := zap.String("auth_server", k.source.server)
	if err != nil {
		c.log.Warn("key set not refreshed", server, zap.Error(err), zap.Time("next", next))
		return
	}
	changed := content != nil && k.replace(content)
	k.fetched.Store(now.UnixNano())
	k.store(c.keep, now, c.log)
	if changed || recovered {
		k.load().log(c.log, server)
	}
	c.changed()
}

// record keeps the outcome for Status and reports whether it ends a failure.
func (k *keySet) record(err error, now, next time.Time) (recovered bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := &k.history
	recovered = h.lastError != nil && err == nil
	h.fetches++
	h.next, h.lastError = next, err
	if err != nil {
		h.failures++
		h.lastFailed = now
	} else {
		k.missing.clear()
	}
	return recovered
}

func (k *keySet) caring() care {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.care
}

// rest waits until the next fetch is due or asked for; false: the end.
func (k *keySet) rest(ctx context.Context, begun time.Time, wait time.Duration) bool {
	timer := time.NewTimer(time.Until(begun.Add(wait)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-k.wake:
		}
		asked, due := k.hurry(begun, wait)
		if asked {
			return true
		}
		timer.Reset(time.Until(due))
	}
}

// hurry says whether a fetch was asked for, and otherwise when the next one is
// due: sooner than planned if a new owner wants fresher keys than the last one.
func (k *keySet) hurry(begun time.Time, wait time.Duration) (asked bool, due time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	refresh := k.care.refresh
	if k.flight == nil && wait > refresh+refresh/10 {
		wait = refresh
		k.history.next = begun.Add(wait)
	}
	return k.flight != nil, begun.Add(wait)
}

// pause is how long good keys are left alone: what the server says, or refresh
// when it says nothing, within min(1m, refresh) and refresh, give or take 10 %.
func pause(maxAge, refresh time.Duration) time.Duration {
	if maxAge < 0 {
		maxAge = refresh
	}
	wait := max(min(time.Minute, refresh), min(maxAge, refresh))
	return wait - wait/10 + rand.N(wait/5+1)
}

// backoff is how long to wait after failed failures in a row and one more.
func backoff(failed int) time.Duration {
	bound := lastBackoff
	if failed < 9 {
		bound = min(bound, firstBackoff<<failed)
	}
	return rand.N(bound)
}

// log says once what was loaded, and what of it cannot be used.
func (k *keys) log(log *zap.Logger, server zap.Field) {
	ids := make([]string, len(k.all))
	for i, one := range k.all {
		ids[i] = one.id
	}
	log.Info("key set loaded", server, zap.Strings("kids", ids))
	for _, s := range k.skipped {
		log.Warn("key not used", server, zap.String("kid", s.ID), zap.String("reason", s.Reason))
	}
}
