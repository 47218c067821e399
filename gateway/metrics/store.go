package metrics

import "time"

// Store counts what was asked of the store that copies share.
type Store struct {
	// Away counts what was not asked because the store was away, Busy what found
	// no free connection in time.
	Away, Busy Counter

	took     histogram
	answered Counter
	failed   Counter
}

// Store returns the instruments of the store, always the same ones.
func (i *Instruments) Store() *Store { return &i.store }

// Asked counts a question that was sent.
func (s *Store) Asked(took time.Duration, answered bool) {
	s.took.observe(took)
	if answered {
		s.answered.Inc()
	} else {
		s.failed.Inc()
	}
}

// write writes the series of the store, if the configuration has one.
func (s *Store) write(p *page, state func() (up, stated bool)) {
	if state == nil {
		return
	}
	up, stated := state()
	if !stated {
		return
	}
	p.one(family{"postern_store_up", "gauge", "1 while the store that copies share can be asked."}, boolean(up))
	asked := family{"postern_store_requests_total", "counter", "What was to be asked of the store, by what came of it."}
	p.begin(asked)
	p.count(asked, label("outcome", "answered"), s.answered.Get())
	p.count(asked, label("outcome", "failed"), s.failed.Get())
	p.count(asked, label("outcome", "busy"), s.Busy.Get())
	p.count(asked, label("outcome", "away"), s.Away.Get())
	took := family{"postern_store_duration_seconds", "histogram", "From a question of the store to its answer, or until it failed."}
	p.begin(took)
	s.took.write(p, took, "")
}
