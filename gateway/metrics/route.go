package metrics

// Routed is how many requests to an API a rule has taken.
type Routed struct {
	API, Rule string
	Requests  uint64
}

// writeRouted writes the series of all rules, also of those that nothing has met.
func writeRouted(p *page, rules []Routed) {
	if len(rules) == 0 {
		return
	}
	routed := family{"postern_routed_total", "counter", "Requests that a rule of route has taken."}
	p.begin(routed)
	for _, r := range rules {
		p.count(routed, label("api", r.API)+","+label("rule", r.Rule), r.Requests)
	}
}
