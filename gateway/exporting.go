package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"reflect"
	"time"

	"go.uber.org/zap"

	"postern/gateway/trace"
	"postern/provisioning/config"
)

// flushTime bounds how long the last spans of an exporter may take.
const flushTime = 5 * time.Second

// tracing prepares the tracer, or takes over the previous one.
func (b *builder) tracing() {
	section := b.config.Tracing
	if section == nil {
		return
	}
	if p := b.previous; p != nil && p.tracer != nil && reflect.DeepEqual(p.tracer.section, section) {
		b.next.tracer = p.tracer
		return
	}
	t := &tracer{section: section, sampler: trace.NewSampler(section.Sample.Part(), section.MaxPerSecond)}
	if section.Endpoint != "" {
		t.exporter = b.exporter(section)
	}
	b.next.tracer = t
}

// exporter prepares what sends spans; nil after a fault.
func (b *builder) exporter(section *config.Tracing) *trace.Exporter {
	g := b.gateway
	o := trace.Options{
		Endpoint: section.Endpoint,
		Headers:  map[string]string{},
		TLS:      &tls.Config{MinVersion: tls.VersionTLS12},
		Service:  section.ServiceName, Version: g.version,
		Timeout: section.Timeout.Limit(),
		Queue:   section.Queue,
		Dropped: g.metrics.SpansDropped().Add,
		Log:     g.log.Named("tracing").With(zap.String("endpoint", section.Endpoint)),
	}
	for _, h := range section.Headers {
		o.Headers[h.Name] = h.Value.Reveal()
	}
	if !section.CA.IsZero() {
		o.TLS.RootCAs = x509.NewCertPool()
		if !o.TLS.RootCAs.AppendCertsFromPEM(section.CA.Data) {
			b.failed(fmt.Errorf("no certificate in %s", section.CA.Path), "tracing", "ca")
		}
	}
	e, err := trace.NewExporter(o)
	if err != nil {
		b.failed(err, "tracing", "endpoint")
	}
	return e
}

// adopt adds a generation that uses the tracer, and starts it with the first.
func (t *tracer) adopt(g *Gateway) {
	if t.users.Add(1) > 1 || t.exporter == nil {
		return
	}
	g.mu.Lock()
	g.tracers[t] = struct{}{}
	g.mu.Unlock()
	t.exporter.Start()
}

// release ends the tracer when no generation uses it any more: its last spans
// are sent beside the requests.
func (t *tracer) release(g *Gateway) {
	if t == nil || t.users.Add(-1) > 0 || t.exporter == nil {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		t.exporter.Stop(ctx)
		g.mu.Lock()
		delete(g.tracers, t)
		g.mu.Unlock()
	}()
}

// endTracers sends the last spans of all tracers there are.
func (g *Gateway) endTracers() {
	g.mu.Lock()
	var all []*tracer
	for t := range g.tracers {
		all = append(all, t)
	}
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	for _, t := range all {
		t.exporter.Stop(ctx)
	}
}
