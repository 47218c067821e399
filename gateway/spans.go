package gateway

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"postern/gateway/exchange"
	"postern/gateway/trace"
	"postern/introspect"
)

// end makes a sampled exchange into spans: the request, and below it what took
// its time. Names and attributes are those of OpenTelemetry's conventions for
// HTTP; no token, query or header is in them, and no parameter of the path that m
// hides.
func (t *tracer) end(x *exchange.Exchange, e exchange.End, m *masker) {
	if t.exporter == nil {
		return
	}
	state := stateOf(x)
	server := serverSpan(x, e, state)
	server.Attributes = append(server.Attributes, trace.Text("url.path", m.appendPath(nil, x.Path, new([]byte))))
	t.exporter.Add(server)
	if !x.Steps.Identify.IsZero() {
		s := child(x, trace.NewSpanID(), state)
		s.Name, s.Kind = "identify", trace.Internal
		s.Begin, s.End = x.Steps.Identify, x.Steps.Identify.Add(x.Steps.IdentifyTime)
		s.Attributes = []trace.Attribute{trace.Text("postern.identify.outcome", x.Steps.Outcome)}
		t.exporter.Add(s)
	}
	if !x.Steps.Forward.IsZero() {
		t.exporter.Add(upstreamSpan(x, state))
	}
}

// stateOf is the tracestate that was forwarded.
func stateOf(x *exchange.Exchange) string {
	var all []string
	x.Head.Visit(func(name, value []byte) {
		if strings.EqualFold(string(name), "tracestate") {
			all = append(all, string(value))
		}
	})
	return trace.Text("", strings.Join(all, ",")).Text
}

// child is a span below the one of the request.
func child(x *exchange.Exchange, id trace.SpanID, state string) trace.Span {
	return trace.Span{Trace: x.Trace.ID, ID: id, Parent: x.Trace.Span, State: state}
}

func serverSpan(x *exchange.Exchange, e exchange.End, state string) trace.Span {
	header := &x.HTTP.Request.Header
	method := string(header.Method())
	s := trace.Span{
		Trace: x.Trace.ID, ID: x.Trace.Span, Parent: x.Trace.Parent, State: state,
		Kind: trace.Server, Remote: x.Trace.Parent != trace.SpanID{},
		Begin: x.Started, End: x.Started.Add(e.Duration),
	}
	known := knownMethod(method)
	s.Name = known
	if known == otherMethod {
		s.Name = "HTTP"
	}
	version := "1.1"
	if x.Request.HTTP10 {
		version = "1.0"
	}
	scheme := "http"
	if x.Secure {
		scheme = "https"
	}
	s.Attributes = append(s.Attributes,
		trace.Text("http.request.method", known),
		trace.Text("url.scheme", scheme),
		trace.Text("network.protocol.version", version),
		trace.Text("client.address", x.Address.String()),
		trace.Text("network.peer.address", x.Peer.Addr().String()),
		trace.Text("server.address", header.Host()),
		trace.Text("postern.request_id", x.ID))
	if known == otherMethod {
		s.Attributes = append(s.Attributes, trace.Text("http.request.method_original", method))
	}
	if x.API != "" {
		s.Attributes = append(s.Attributes, trace.Text("postern.api", x.API))
	}
	if x.Route != "" {
		route := string(x.Path[:len(x.Path)-len(x.Rest)]) + x.Route
		s.Name += " " + route
		s.Attributes = append(s.Attributes, trace.Text("http.route", route))
	}
	return withOutcome(s, x, e)
}

// withOutcome says how the request ended. What a caller did wrong is no error
// of this server.
func withOutcome(s trace.Span, x *exchange.Exchange, e exchange.End) trace.Span {
	if e.Status != 0 {
		s.Attributes = append(s.Attributes, trace.Number("http.response.status_code", int64(e.Status)))
	}
	kind := x.Problem
	switch {
	case e.Err != nil:
		s.Failed = true
		kind = "incomplete" // the answer did not go out whole
	case e.Status >= 500:
		s.Failed = true
		if kind == "" {
			kind = strconv.Itoa(e.Status)
		}
	}
	if kind != "" {
		s.Attributes = append(s.Attributes, trace.Text("error.type", kind))
	}
	return s
}

// otherMethod stands for every method that the conventions do not list.
const otherMethod = "_OTHER"

func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return method
	}
	return otherMethod
}

// upstreamSpan is the request to the target, until its answer's head.
func upstreamSpan(x *exchange.Exchange, state string) trace.Span {
	s := child(x, x.Trace.Forward, state)
	method := knownMethod(string(x.HTTP.Request.Header.Method()))
	s.Kind, s.Name = trace.Client, method
	if method == otherMethod {
		s.Name = "HTTP"
	}
	s.Begin, s.End = x.Steps.Forward, x.Steps.Forward.Add(x.UpstreamTime)
	s.Attributes = append(addressOf(x.Upstream),
		trace.Text("http.request.method", method),
		trace.Number("postern.upstream.attempts", int64(x.Attempts)))
	if x.Attempts > 1 {
		s.Attributes = append(s.Attributes, trace.Number("http.request.resend_count", int64(x.Attempts-1)))
	}
	kind := ""
	switch status := x.Answer.Status; {
	case status == 0:
		kind = x.Problem
	case status >= 400:
		kind = strconv.Itoa(status)
		fallthrough
	default:
		s.Attributes = append(s.Attributes, trace.Number("http.response.status_code", int64(status)))
	}
	if kind != "" {
		s.Failed = true
		s.Attributes = append(s.Attributes, trace.Text("error.type", kind))
	}
	return s
}

// addressOf says who is reached at an address.
func addressOf(address string) []trace.Attribute {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	number, _ := strconv.ParseInt(port, 10, 32) // of an address that was validated
	return []trace.Attribute{
		trace.Text("url.scheme", u.Scheme), trace.Text("server.address", u.Hostname()), trace.Number("server.port", number),
	}
}

// keyFetch makes a fetch of keys into a trace of its own: it belongs to no
// request, although one may wait for it.
func (t *tracer) keyFetch(f introspect.Fetch) {
	if t.exporter == nil {
		return
	}
	c := trace.Begin()
	s := trace.Span{Trace: c.ID, ID: c.Span, Kind: trace.Client, Name: "fetch keys", Begin: f.Begun, End: f.Ended}
	s.Attributes = append(addressOf(f.Address),
		trace.Text("url.full", f.Address),
		trace.Text("http.request.method", "GET"),
		trace.Text("postern.auth_server", f.Server))
	if f.Err != nil {
		s.Failed = true
		s.Attributes = append(s.Attributes, trace.Text("error.type", fetchError(f.Err)))
	}
	t.exporter.Add(s)
}

// fetchError is a word for why keys were not fetched; the log has the rest.
func fetchError(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	return "fetch_failed"
}
