package trace

import "context"

// NewExporterTo is an exporter that sends to a function.
func NewExporterTo(o Options, send func(context.Context, []Span) error) *Exporter {
	return newExporter(o, send, func() {})
}

// BatchSize is how many spans go at once.
const BatchSize = batchSize
