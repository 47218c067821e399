package introspect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ServerStatus is how an auth server stands. It holds no token and no secret.
type ServerStatus struct {
	Name        string       `json:"name"`
	Issuer      string       `json:"issuer"` // empty: unchecked
	Source      string       `json:"source"` // address or file of the keys
	Required    bool         `json:"required"`
	Usable      bool         `json:"usable"` // there are keys, not too old, and one with a valid certificate or none
	Keys        []KeyStatus  `json:"keys"`
	Skipped     []SkippedKey `json:"skipped"`
	Fetched     time.Time    `json:"fetched,omitzero"`      // last good fetch; zero: never, or a file
	Age         float64      `json:"age_seconds,omitzero"`  // since then
	NextRefresh time.Time    `json:"next_refresh,omitzero"` // zero: a file, or not started
	LastError   string       `json:"last_error,omitempty"`  // of the last fetch, if it failed
	LastFailed  time.Time    `json:"last_failed,omitzero"`
	Fetches     uint64       `json:"fetches"`      // tried
	Failures    uint64       `json:"failures"`     // of those
	UnknownKids uint64       `json:"unknown_kids"` // tokens whose kid was not in the set
	// Remote is how asking it goes; nil: it is not asked.
	Remote *RemoteStatus `json:"remote,omitempty"`
}

// KeyStatus is one usable key.
type KeyStatus struct {
	ID         string   `json:"id"`
	Algorithms []string `json:"algorithms"` // it could verify and the auth server allows
	// Subject, NotBefore and NotAfter are of its certificate; zero: it has none.
	Subject   string    `json:"subject,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
	Reason    string    `json:"reason,omitempty"` // why it is not used now
}

// CacheStats is how the verified-token cache stands.
type CacheStats struct {
	Entries int64       `json:"entries"`
	Bytes   int64       `json:"bytes"`
	Limits  CacheLimits `json:"limits"`
	Hits    uint64      `json:"hits"`
	Misses  uint64      `json:"misses"`
	Evicted uint64      `json:"evicted"` // for want of room
}

// Status is how each auth server stands, in the order of the configuration.
func (s *Set) Status() []ServerStatus {
	list := make([]ServerStatus, len(s.names))
	for i, name := range s.names {
		list[i] = ServerStatus{Name: name, Usable: true, Keys: []KeyStatus{}, Skipped: []SkippedKey{}}
		if one := s.byName[name]; one != nil {
			list[i] = one.status(time.Now())
			list[i].Required = s.required[one]
		}
		if asked := s.remote(name); asked != nil {
			list[i].Issuer, list[i].Remote = asked.rules.Issuer.Value, asked.status()
		}
	}
	return list
}

func (s *server) status(now time.Time) ServerStatus {
	st := s.keys.status(now)
	st.Name, st.Issuer = s.name(), s.rules.Issuer.Value
	st.Usable = s.usable(now)
	if !st.Fetched.IsZero() {
		st.Age = now.Sub(st.Fetched).Seconds()
	}
	for i, k := range st.Keys {
		forbidden := func(alg string) bool { return s.methods[alg] == nil }
		st.Keys[i].Algorithms = slices.DeleteFunc(slices.Clone(k.Algorithms), forbidden)
	}
	return st
}

func (k *keySet) status(now time.Time) ServerStatus {
	st := ServerStatus{Source: k.source.String(), Keys: []KeyStatus{}, Skipped: []SkippedKey{}}
	if content := k.load(); content != nil {
		st.Skipped = append(st.Skipped, content.skipped...)
		for _, one := range content.all {
			st.Keys = append(st.Keys, one.status(now))
		}
	}
	if fetched := k.fetched.Load(); fetched != 0 && fetched != math.MaxInt64 {
		st.Fetched = time.Unix(0, fetched)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h := &k.history
	st.NextRefresh, st.LastFailed = h.next, h.lastFailed
	st.Fetches, st.Failures, st.UnknownKids = h.fetches, h.failures, h.unknownKids
	if h.lastError != nil {
		st.LastError = h.lastError.Error()
	}
	return st
}

func (k *key) status(now time.Time) KeyStatus {
	st := KeyStatus{ID: k.id, Algorithms: k.algorithms, Reason: k.problem(now)}
	if c := k.certificate; c != nil {
		st.Subject, st.NotBefore, st.NotAfter = c.subject, c.from, c.until
	}
	return st
}

// CacheStats is how the verified-token cache stands. Its counters go on when a
// later Set takes the cache over.
func (s *Set) CacheStats() CacheStats { return s.cache.stats() }

func (c *cache) stats() CacheStats {
	return CacheStats{
		Entries: c.entries.Load(), Bytes: c.bytes.Load(), Limits: c.limits,
		Hits: c.hits.sum(), Misses: c.misses.sum(), Evicted: c.evicted.Load(),
	}
}

// Has reports whether there is an auth server called name.
func (s *Set) Has(name string) bool { return s.byName[name] != nil }

// Refresh fetches the keys of the named auth server now, whatever the limits
// on fetches, and returns the outcome. Where keys come from a file, or none are
// needed, there is nothing to fetch.
func (s *Set) Refresh(ctx context.Context, name string) error {
	one := s.byName[name]
	if one == nil && s.remote(name) != nil {
		return nil
	}
	if one == nil {
		return fmt.Errorf("no auth server %q", name)
	}
	if !one.keys.source.remote() {
		return nil
	}
	if err := one.keys.force(ctx); err != nil {
		return fmt.Errorf("refresh keys of %q: %w", name, err)
	}
	return nil
}

// force waits for a fetch that begins from now on: one that is under way may
// bring what was there before.
func (k *keySet) force(ctx context.Context) error {
	for {
		k.mu.Lock()
		if !k.running {
			k.mu.Unlock()
			return errors.New("not started")
		}
		f := k.ask()
		late := f.begun
		k.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !late {
			return f.err
		}
	}
}
