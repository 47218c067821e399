package metrics

// tracing counts what became of spans.
type tracing struct{ dropped Counter }

// SpansDropped counts the spans that were lost: the collector did not take
// them, or not fast enough.
func (i *Instruments) SpansDropped() *Counter { return &i.tracing.dropped }

func (t *tracing) write(p *page) {
	p.one(family{"postern_trace_spans_dropped_total", "counter", "Spans that did not reach the collector."}, float64(t.dropped.Get()))
}
