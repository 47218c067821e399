package metrics

// HostLookup counts how lookups of host names went, in the words of a fixed
// table.
func (i *Instruments) HostLookup(outcome string) *Counter { return i.hosts.counter(outcome) }
