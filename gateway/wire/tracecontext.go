package wire

// TraceContext returns the value of traceparent, nil when there is not exactly
// one that is not empty, and how many bytes of tracestate there are. any says
// that there is either.
func (h *Head) TraceContext() (parent []byte, state int, any bool) {
	parents := 0
	for i := range h.lines {
		l := &h.lines[i]
		if l.field != traceContext || l.gone {
			continue
		}
		any = true
		if len(l.name) == len("tracestate") {
			state += len(l.value)
			continue
		}
		parent = l.value
		parents++
	}
	if parents != 1 {
		parent = nil
	}
	return parent, state, any
}

// DropTrace removes traceparent, which the forwarder writes anew, and
// tracestate too if state says so. Who reads the request through fasthttp still
// sees what the caller sent: nobody decides by it.
func (h *Head) DropTrace(state bool) {
	for i := range h.lines {
		if l := &h.lines[i]; l.field == traceContext && !l.gone && (state || len(l.name) != len("tracestate")) {
			l.gone = true
		}
	}
}
