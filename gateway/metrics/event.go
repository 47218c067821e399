package metrics

// Events counts what became of the events of a destination.
type Events struct {
	Sent    Counter
	Dropped Counter // for want of room, or because the destination was away for too long
	Refused Counter // by the destination, for good
	Retried Counter // sent once more
}

// EventDestination is how a destination fares.
type EventDestination struct {
	Name string
	Held int64 // bytes that wait
	*Events
}

// writeEvents writes the series of all destinations.
func writeEvents(p *page, all []EventDestination) {
	if len(all) == 0 {
		return
	}
	events := family{"postern_events_total", "counter", "Events, by what became of them at a destination."}
	p.begin(events)
	for _, d := range all {
		for _, o := range []struct {
			word  string
			count *Counter
		}{{"sent", &d.Sent}, {"dropped", &d.Dropped}, {"refused", &d.Refused}} {
			p.count(events, label("destination", d.Name)+","+label("outcome", o.word), o.count.Get())
		}
	}
	retried := family{"postern_events_retried_total", "counter", "Events that were sent to a destination once more."}
	p.begin(retried)
	for _, d := range all {
		p.count(retried, label("destination", d.Name), d.Retried.Get())
	}
	waiting := family{"postern_events_waiting_bytes", "gauge", "Events that wait for a destination, in bytes."}
	p.begin(waiting)
	for _, d := range all {
		p.value(waiting, label("destination", d.Name), float64(d.Held))
	}
}
