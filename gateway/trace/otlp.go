//go:build otel

package trace

import (
	"context"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	proto "go.opentelemetry.io/proto/otlp/trace/v1"
)

// newSender speaks OTLP over HTTP with protobuf. Every option is stated, so that
// the library's environment variables change nothing: configuration comes from
// one place.
func newSender(o Options) (send func(context.Context, []Span) error, release func(), err error) {
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: o.Timeout}).DialContext,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	client := otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(o.Endpoint),
		otlptracehttp.WithHeaders(o.Headers),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf),
		otlptracehttp.WithTimeout(o.Timeout),
		otlptracehttp.WithMaxResponseSize(64<<10),
		otlptracehttp.WithHTTPClient(&http.Client{Transport: transport, Timeout: o.Timeout, CheckRedirect: noRedirect}),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: o.Timeout / 20, MaxInterval: o.Timeout / 4, MaxElapsedTime: o.Timeout,
		}),
	)
	from := &resource.Resource{Attributes: []*common.KeyValue{
		attribute(Text("service.name", o.Service)),
		attribute(Text("service.version", o.Version)),
	}}
	scope := &common.InstrumentationScope{Name: "postern", Version: o.Version}
	send = func(ctx context.Context, spans []Span) error {
		return client.UploadTraces(ctx, []*proto.ResourceSpans{{
			Resource:   from,
			ScopeSpans: []*proto.ScopeSpans{{Scope: scope, Spans: convert(spans)}},
		}})
	}
	return send, transport.CloseIdleConnections, nil
}

// noRedirect keeps the headers, which may be secret, with the one they are for.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func convert(spans []Span) []*proto.Span {
	all := make([]*proto.Span, len(spans))
	for i := range spans {
		all[i] = spans[i].proto()
	}
	return all
}

// The flags of a span (OTLP): those of W3C, then whether the parent is remote.
const (
	flagKnowsRemote = uint32(proto.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	flagRemote      = uint32(proto.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

func (s *Span) proto() *proto.Span {
	p := &proto.Span{
		TraceId: s.Trace[:], SpanId: s.ID[:], TraceState: s.State,
		Flags: sampledFlag | flagKnowsRemote,
		Name:  s.Name, Kind: kinds[s.Kind],
		StartTimeUnixNano: uint64(s.Begin.UnixNano()), EndTimeUnixNano: uint64(s.End.UnixNano()),
		Status: &proto.Status{},
	}
	if s.Parent != (SpanID{}) {
		p.ParentSpanId = s.Parent[:]
	}
	if s.Remote {
		p.Flags |= flagRemote
	}
	if s.Failed {
		p.Status.Code = proto.Status_STATUS_CODE_ERROR
	}
	for _, a := range s.Attributes {
		p.Attributes = append(p.Attributes, attribute(a))
	}
	return p
}

// kinds are those of OTLP.
var kinds = [...]proto.Span_SpanKind{
	Internal: proto.Span_SPAN_KIND_INTERNAL,
	Server:   proto.Span_SPAN_KIND_SERVER,
	Client:   proto.Span_SPAN_KIND_CLIENT,
}

func attribute(a Attribute) *common.KeyValue {
	value := &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: a.Text}}
	if a.IsNumber {
		value.Value = &common.AnyValue_IntValue{IntValue: a.Number}
	}
	return &common.KeyValue{Key: a.Key, Value: value}
}
