package metrics

import "time"

// KeySet is how the keys of an auth server stand.
type KeySet struct {
	AuthServer  string
	Usable      bool // there are keys, and they are not too old
	Keys        int
	Skipped     int       // keys that cannot be used
	Fetched     time.Time // the last good fetch; zero: none, or keys from a file
	NextRefresh time.Time // zero: none planned

	Fetches, Failures, UnknownKids uint64
}

// ofKeySet is a family that every key set has a sample of, if value says so.
type ofKeySet struct {
	family
	value func(k KeySet) (v float64, told bool)
}

func familiesOfKeySet() []ofKeySet {
	now := time.Now()
	told := func(of func(KeySet) float64) func(KeySet) (float64, bool) {
		return func(k KeySet) (float64, bool) { return of(k), true }
	}
	return []ofKeySet{
		{family{"postern_key_set_usable", "gauge", "1 when tokens of the auth server can be judged."}, told(func(k KeySet) float64 { return boolean(k.Usable) })},
		{family{"postern_key_set_keys", "gauge", "Keys that verify tokens."}, told(func(k KeySet) float64 { return float64(k.Keys) })},
		{family{"postern_key_set_skipped_keys", "gauge", "Keys of the set that cannot be used."}, told(func(k KeySet) float64 { return float64(k.Skipped) })},
		{family{"postern_key_set_age_seconds", "gauge", "Since the last good fetch; absent for keys from files."}, func(k KeySet) (float64, bool) {
			return now.Sub(k.Fetched).Seconds(), !k.Fetched.IsZero()
		}},
		{family{"postern_key_set_next_refresh_timestamp_seconds", "gauge", "When the keys are fetched again; absent for keys from files."}, func(k KeySet) (float64, bool) {
			return float64(k.NextRefresh.UnixMilli()) / 1000, !k.NextRefresh.IsZero()
		}},
		{family{"postern_key_set_fetches_total", "counter", "Fetches of the keys that were tried."}, told(func(k KeySet) float64 { return float64(k.Fetches) })},
		{family{"postern_key_set_failures_total", "counter", "Fetches of the keys that failed."}, told(func(k KeySet) float64 { return float64(k.Failures) })},
		{family{"postern_key_set_unknown_kids_total", "counter", "Tokens that named a key which was not in the set."}, told(func(k KeySet) float64 { return float64(k.UnknownKids) })},
	}
}

// writeKeySets writes one family after the other, leaving out those without
// samples.
func writeKeySets(p *page, sets []KeySet) {
	labels := make([]string, len(sets))
	for i := range sets {
		labels[i] = label("auth_server", sets[i].AuthServer)
	}
	for _, f := range familiesOfKeySet() {
		begun := false
		for i := range sets {
			v, told := f.value(sets[i])
			if !told {
				continue
			}
			if !begun {
				p.begin(f.family)
			}
			begun = true
			p.value(f.family, labels[i], v)
		}
	}
}
