package metrics

// Crowd is how many requests are under way where a policy bounds them.
type Crowd struct {
	API, At                 string // At is "api", or the scope or global policy with its name
	Limit, Pending, Waiting int64
}

func writeCrowds(p *page, crowds []Crowd) {
	if len(crowds) == 0 {
		return
	}
	for _, f := range []struct {
		family
		of func(Crowd) int64
	}{
		{family{"postern_concurrency_limit", "gauge", "Requests that may be under way at once."}, func(c Crowd) int64 { return c.Limit }},
		{family{"postern_concurrency_pending", "gauge", "Requests that are under way, of those that are bounded."}, func(c Crowd) int64 { return c.Pending }},
		{family{"postern_concurrency_waiting", "gauge", "Requests that wait until they may begin."}, func(c Crowd) int64 { return c.Waiting }},
	} {
		p.begin(f.family)
		for _, c := range crowds {
			p.value(f.family, label("api", c.API)+","+label("at", c.At), float64(f.of(c)))
		}
	}
}
