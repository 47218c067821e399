package metrics

// Cache is how the answers kept for an API fare. Hits, Misses and Evictions only
// grow.
type Cache struct {
	API, At                                 string // At is "api", or the scope or global policy with its name
	Hits, Misses, Evictions, Entries, Bytes int64
}

func writeCaches(p *page, caches []Cache) {
	if len(caches) == 0 {
		return
	}
	for _, f := range []struct {
		family
		of func(Cache) int64
	}{
		{family{"postern_cache_hits_total", "counter", "Requests that were answered from what was kept."}, func(c Cache) int64 { return c.Hits }},
		{family{"postern_cache_misses_total", "counter", "Requests that might have been, and went upstream."}, func(c Cache) int64 { return c.Misses }},
		{family{"postern_cache_evictions_total", "counter", "Answers that made room for others."}, func(c Cache) int64 { return c.Evictions }},
		{family{"postern_cache_entries", "gauge", "Answers that are kept."}, func(c Cache) int64 { return c.Entries }},
		{family{"postern_cache_bytes", "gauge", "Memory that they take, with those that are being read."}, func(c Cache) int64 { return c.Bytes }},
	} {
		p.begin(f.family)
		for _, c := range caches {
			p.value(f.family, label("api", c.API)+","+label("at", c.At), float64(f.of(c)))
		}
	}
}
