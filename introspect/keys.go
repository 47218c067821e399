package introspect

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	maxKeys       = 256 // of a key set
	maxCandidates = 8   // keys that one token may be tried with
)

// keys is the content of a key set at one time; immutable.
type keys struct {
	all     []*key
	byID    map[string][]*key // more than one only if no algorithm fits two of them
	skipped []SkippedKey
	// unnamed are keys for tokens of any kid that byID does not hold: a source
	// that is one key without an id, or strategies without one.
	unnamed []*key
}

// SkippedKey is a key of a set that is not used.
type SkippedKey struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// newKeys puts a set together. Keys that stand twice count once; different keys
// under one id that the same token could mean are all left out, since either
// choice might be the wrong one.
func newKeys(list []*key, skipped []SkippedKey) *keys {
	set := &keys{byID: map[string][]*key{}, skipped: skipped}
	for i, k := range list {
		earlier := func(other *key) bool { return other.same(k) }
		if slices.ContainsFunc(list[:i], earlier) {
			continue
		}
		rival := func(other *key) bool { return k.id != "" && k.rivals(other) }
		if slices.ContainsFunc(list, rival) {
			set.skipped = append(set.skipped, SkippedKey{k.id, "another key has the same kid"})
			continue
		}
		set.all = append(set.all, k)
		set.byID[k.id] = append(set.byID[k.id], k)
	}
	return set
}

// rivals reports whether a token could mean either of two different keys.
func (k *key) rivals(other *key) bool {
	if k.id != other.id || k.public.Equal(other.public) {
		return false
	}
	fits := func(alg string) bool { return slices.Contains(other.algorithms, alg) }
	return slices.ContainsFunc(k.algorithms, fits)
}

// errUnknownKid: newer keys may know it.
type errUnknownKid string

func (e errUnknownKid) Error() string { return fmt.Sprintf("%v: kid %q", ErrKey, string(e)) }
func (e errUnknownKid) Unwrap() error { return ErrKey }

// missingKid is the kid that newer keys may know, if that is what err says.
func missingKid(err error) *string {
	var unknown errUnknownKid
	if !errors.As(err, &unknown) {
		return nil
	}
	kid := string(unknown)
	return &kid
}

// candidates are the keys that may have signed a token with this header.
func (k *keys) candidates(h *header, now time.Time) ([]*key, error) {
	found := k.all
	switch {
	case h.kid == "" && k.unnamed != nil && len(k.all) > maxCandidates:
		found = k.unnamed // a token of the others should have its kid
	case h.kid != "":
		if found = k.byID[h.kid]; found == nil {
			found = k.unnamed
		}
		if found == nil {
			return nil, errUnknownKid(h.kid)
		}
	}
	fitting := without(found, func(c *key) bool { return !slices.Contains(c.algorithms, h.alg) })
	if len(fitting) == 0 && (h.kid != "" || k.unnamed != nil) {
		return nil, fmt.Errorf("%w: key %q is not for %s", ErrAlgorithm, h.kid, h.alg)
	}
	if h.x5t != "" || h.x5t256 != "" {
		if fitting = byThumbprint(fitting, h); len(fitting) == 0 && h.kid != "" {
			return nil, fmt.Errorf("%w: key %q has another certificate", ErrKey, h.kid)
		}
	}
	if len(fitting) == 0 {
		return nil, errUnknownKid("")
	}
	valid := without(fitting, func(c *key) bool { return c.problem(now) != "" })
	switch {
	case len(valid) == 0:
		return nil, fmt.Errorf("%w: key %q: %s", ErrKey, fitting[0].id, fitting[0].problem(now))
	case len(valid) > maxCandidates:
		return nil, fmt.Errorf("%w: no kid, and %d keys fit", ErrKey, len(valid))
	}
	return valid, nil
}

// without is list less what is left out; list itself when that is nothing.
func without(list []*key, out func(*key) bool) []*key {
	if !slices.ContainsFunc(list, out) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), out)
}

// byThumbprint leaves the keys whose certificate a token names, or else those
// of whose certificate nothing is known.
func byThumbprint(list []*key, h *header) []*key {
	var named, unknown []*key
	for _, one := range list {
		yes, no := one.named(h)
		switch {
		case yes:
			named = append(named, one)
		case !no:
			unknown = append(unknown, one)
		}
	}
	if named != nil {
		return named
	}
	return unknown
}

// adopt replaces keys by the objects of before where they are the same, so that
// tokens cached with them stay valid.
func (k *keys) adopt(before *keys) {
	if before == nil {
		return
	}
	for i, fresh := range k.all {
		known := slices.IndexFunc(before.all, func(old *key) bool { return old.same(fresh) })
		if known < 0 {
			continue
		}
		old := before.all[known]
		k.all[i] = old
		bucket := k.byID[old.id]
		bucket[slices.Index(bucket, fresh)] = old
	}
}

// retire marks the keys that are not in next.
func (k *keys) retire(next *keys) {
	if k == nil {
		return
	}
	for _, old := range k.all {
		if !slices.Contains(next.all, old) {
			old.gone.Store(true)
		}
	}
}
