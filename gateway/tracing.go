package gateway

import (
	"sync/atomic"

	"postern/gateway/exchange"
	"postern/gateway/trace"
	"postern/provisioning/config"
)

// tracer takes part in traces as the section tracing says. Generations share it
// as long as the section stays the same; the last one that lets go ends it.
type tracer struct {
	section  *config.Tracing
	sampler  *trace.Sampler
	exporter *trace.Exporter // nil: no spans
	users    atomic.Int32
}

// maxState is how many bytes of tracestate go on. Trace Context 3.3.1.5 asks for
// 512; a longer field is dropped whole, for a part of it may mislead.
const maxState = 2048

// begin finds the place of x in a trace, or makes it one; upstream tells the
// target of it. A tracestate goes on with the trace it belongs to, and with no
// other.
func (t *tracer) begin(x *exchange.Exchange) {
	parent, state, told := x.Head.TraceContext()
	continued := false
	if parent != nil && t.believes(x) {
		x.Trace, continued = trace.Continue(parent)
	}
	switch {
	case !continued:
		x.Trace = trace.Begin()
		x.Trace.Sampled = t.sampler.Root(x.Started)
	case x.Trace.Sampled && !x.Trusted:
		x.Trace.Sampled = t.sampler.Wish(x.Started)
	}
	if told {
		x.Head.DropTrace(!continued || state > maxState)
	}
}

// believes reports whether the trace that x's caller tells of goes on.
func (t *tracer) believes(x *exchange.Exchange) bool {
	return t.section.Continue == "always" || x.Trusted && t.section.Continue == "trusted_proxies"
}
