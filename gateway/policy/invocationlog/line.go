package invocationlog

import (
	"bytes"
	"cmp"
	"time"

	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/message"
)

const unknown = "Unknown"

// appendEvent appends the event of a request for one rule.
func (r *record) appendEvent(b []byte, l *entry, e exchange.End) []byte {
	x := r.x
	b = event.Begin(b, r.kind, time.Now(), r.log.site.Node)
	b = r.appendCommon(b, e)
	if r.kind != event.Transactional {
		api := r.log.site.API
		b = event.Text(b, "alertSource", api.Name+"("+api.Version+")")
		b = event.Text(b, "alertType", x.Problem)
		return event.End(event.Text(b, "alertDesc", cmp.Or(x.Reason, x.Problem)))
	}
	status := "SUCCESS"
	if failed(e) {
		status = "FAILURE"
	}
	b = event.Text(b, "status", status)
	b = event.Millis(b, "totalTime", e.Duration)
	b = event.Millis(b, "providerTime", x.UpstreamTime)
	b = event.Millis(b, "gatewayTime", e.Duration.Truncate(time.Millisecond)-x.UpstreamTime.Truncate(time.Millisecond))
	b = event.Int(b, "totalDataSize", e.Sent+e.Received)
	b = r.appendUpstream(b)
	if failed(e) {
		b = event.Text(b, "errorOrigin", origin(x, e, r.native))
		b = event.Text(b, "errorCode", x.Problem)
		b = event.Text(b, "errorMessage", x.Reason)
	}
	return event.End(r.appendStored(b, l))
}

// failed reports whether a request has no good answer.
func failed(e exchange.End) bool { return e.Status >= 400 || e.Status == 0 || e.Err != nil }

// origin is who has failed.
func origin(x *exchange.Exchange, e exchange.End, native int) string {
	switch {
	case native >= 400 || x.Problem == "" && x.Attempts > 0 && e.Err == nil:
		return "NATIVE"
	case x.Problem == "" && e.Err != nil:
		return "TRANSPORT"
	}
	return "GATEWAY"
}

// appendCommon appends what events of every kind of request have.
func (r *record) appendCommon(b []byte, e exchange.End) []byte {
	x, api := r.x, r.log.site.API
	b = event.Text(b, "apiId", x.API)
	b = event.Text(b, "apiName", api.Name)
	b = event.Text(b, "apiVersion", api.Version)
	app := x.Caller.Application
	b = event.Text(b, "applicationId", cmp.Or(app.ID, unknown))
	b = event.Text(b, "applicationName", cmp.Or(app.Name, unknown))
	b = append(b, `,"applicationIp":"`...)
	if x.Address.IsValid() {
		b = x.Address.AppendTo(b)
	}
	b = append(append(b, `","correlationID":"`...), x.ID...)
	b = append(b, `","sessionId":"`...)
	if x.Trace.Valid() {
		b = x.Trace.AppendID(b)
	}
	b = append(b, '"')
	b = event.Text(b, "operationName", x.Route)
	b = event.Text(b, "httpMethod", x.HTTP.Method())
	b = event.Int(b, "responseCode", int64(e.Status))
	return event.Text(b, "userAgent", x.HTTP.Request.Header.UserAgent())
}

// appendUpstream appends what is known of the request to the upstream.
func (r *record) appendUpstream(b []byte) []byte {
	x := r.x
	b = r.appendQuery(append(b, `,"queryParameters":`...))
	if x.Attempts == 0 {
		return append(b, `,"externalCalls":[]`...)
	}
	r.scratch.query = r.log.site.Mask(r.scratch.query[:0], x.Query, &r.scratch.escaped)
	address := r.log.site.MaskPath(append(r.scratch.body[:0], x.Upstream...), r.path(), &r.scratch.escaped)
	if len(r.scratch.query) > 0 {
		address = append(append(address, '?'), r.scratch.query...)
	}
	r.scratch.body = address
	address = r.secrets.without(address)
	b = event.Text(b, "nativeURL", address)
	b = event.Text(b, "nativeHttpMethod", x.SentMethod())
	b = append(b, `,"externalCalls":[{"externalCallType":"NATIVE_SERVICE_CALL"`...)
	b = event.Text(b, "externalURL", address)
	b = event.Millis(b, "callDuration", x.UpstreamTime)
	b = event.Int(b, "callStartTime", x.Steps.Forward.UnixMilli())
	b = event.Int(b, "callEndTime", x.Steps.Forward.Add(x.UpstreamTime).UnixMilli())
	b = event.Int(b, "responseCode", int64(r.native))
	return append(b, "}]"...)
}

// path is the one that the upstream was asked for, below its target.
func (r *record) path() []byte {
	if strip := r.log.site.API.Upstream.StripPrefix; strip == nil || *strip {
		return r.x.SentRest()
	}
	prefix := r.x.Path[:len(r.x.Path)-len(r.x.Rest)]
	r.scratch.path = append(append(r.scratch.path[:0], prefix...), r.x.SentRest()...)
	return r.scratch.path
}

// appendQuery appends the parameters of the query as an object.
func (r *record) appendQuery(b []byte) []byte {
	shown := r.log.site.Mask(r.scratch.query[:0], r.x.Query, &r.scratch.escaped)
	r.scratch.query = shown
	r.fields = r.fields[:0]
	for len(shown) > 0 {
		part, rest, _ := bytes.Cut(shown, []byte{'&'})
		if name, value, _ := bytes.Cut(part, []byte{'='}); len(name) > 0 {
			r.add(name, value)
		}
		shown = rest
	}
	return r.appendFields(b)
}

// appendStored appends the fields and bodies that a rule stores.
func (r *record) appendStored(b []byte, l *entry) []byte {
	request, response := l.cfg.Request, l.cfg.Response
	if request != nil && request.Headers {
		b = fieldsOf(b, "requestHeaders", r.request, l.client)
		b = fieldsOf(b, "nativeRequestHeaders", r.nativeRequest, l.server)
	}
	if response != nil && response.Headers {
		b = fieldsOf(b, "responseHeaders", r.response, l.client)
		b = fieldsOf(b, "nativeResponseHeaders", r.nativeResponse, l.server)
	}
	if request != nil && request.Body {
		b = r.appendBody(b, payload{key: "reqPayload", copy: when(l.client, r.reqBody)}, l.cfg)
		b = r.appendBody(b, payload{key: "nativeReqPayload", copy: when(l.server, r.nativeReqBody)}, l.cfg)
	}
	if response != nil && response.Body {
		b = r.appendBody(b, payload{"resPayload", when(l.client, r.resBody), r.answered, r.answered == 0}, l.cfg)
		b = r.appendBody(b, payload{key: "nativeResPayload", copy: when(l.server, r.nativeResBody), status: r.native}, l.cfg)
	}
	return b
}

// when is a body, if it is stored.
func when(stored bool, c *message.Copy) *message.Copy {
	if !stored {
		return nil
	}
	return c
}

func fieldsOf(b []byte, key string, fields []byte, stored bool) []byte {
	if !stored || len(fields) == 0 {
		return b
	}
	return event.Raw(b, key, fields)
}
