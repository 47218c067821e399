package invocationlog

import (
	"postern/gateway/destination"
	"postern/gateway/event"
	"postern/gateway/exchange"
	"postern/gateway/message"
)

// record is what is kept of a request until it ends.
type record struct {
	log     *Log
	x       *exchange.Exchange
	end     func(exchange.End) // tell, bound once
	passed  bool               // nothing has refused the request
	kind    event.Kind         // of its events
	secrets secrets

	// Fields, as JSON.
	request, response, nativeRequest, nativeResponse []byte
	// Bodies; nil: none is stored.
	reqBody, resBody, nativeReqBody, nativeResBody *message.Copy
	native                                         int // the status of the upstream; 0: it has not answered

	answered int // the status that was stored; 0: the gateway's own

	line    []byte
	scratch scratch
	fields  []pair            // of the object that is written
	take    func(_, _ []byte) // add, bound once
}

// scratch is room for parts of a line.
type scratch struct{ query, escaped, body, hidden, path, basic []byte }

// noteCaller keeps the fields of a request as they came.
func (r *record) noteCaller(x *exchange.Exchange) {
	if r.log.request.Headers {
		r.request = r.appendHead(r.request[:0], &x.Head)
	}
}

// noteAnswer keeps what of an answer is stored.
func (r *record) noteAnswer(x *exchange.Exchange) {
	l := r.log
	if x.Answer.Status == 0 { // the gateway's own
		if l.response.Headers {
			r.fields = r.fields[:0]
			for name, value := range x.HTTP.Response.Header.All() {
				r.add(name, value)
			}
			r.response = r.appendFields(r.response[:0])
		}
		if l.response.Body {
			r.resBody = l.site.Bodies.CopyOwn(x, l.maxBody)
		}
		return
	}
	r.answered = x.Answer.Status
	if r.native == 0 {
		r.native = x.Answer.Status
	}
	if l.response.Headers {
		r.response = r.appendHead(r.response[:0], &x.Answer.Head)
	}
	if l.response.Body && x.Answer.Tunnel == nil {
		if r.nativeResBody != nil && !x.Answer.Body.Held() {
			r.resBody = r.nativeResBody // nobody has changed it
		} else {
			r.resBody = l.site.Bodies.CopyAnswer(x, l.maxBody)
		}
	}
}

// copyRequest is a copy of what the upstream is sent.
func (r *record) copyRequest(x *exchange.Exchange) *message.Copy {
	if r.reqBody != nil && !x.Body.Held() {
		return r.reqBody // nobody has changed it
	}
	return r.log.site.Bodies.CopyRequest(x, r.log.maxBody)
}

// noteNative keeps what the upstream has answered.
func (r *record) noteNative(x *exchange.Exchange) {
	l := r.log
	r.native = x.Answer.Status
	if l.nativeResponse.Headers {
		r.nativeResponse = r.appendHead(r.nativeResponse[:0], &x.Answer.Head)
	}
	if l.nativeResponse.Body && x.Answer.Tunnel == nil {
		r.nativeResBody = l.site.Bodies.CopyAnswer(x, l.maxBody)
	}
}

// tell hands over the events of a request that has ended.
func (r *record) tell(e exchange.End) {
	defer r.release()
	r.kind = kindOf(r.passed, e)
	for i := range r.log.entries {
		entry := &r.log.entries[i]
		if !entry.wants(failed(e)) || !wanted(entry.to, r.kind) {
			continue
		}
		r.line = r.appendEvent(r.line[:0], entry, e)
		for _, d := range entry.to {
			if d.Takes(r.kind) {
				d.Add(r.line, r.x.Shard)
			}
		}
	}
}

func kindOf(passed bool, e exchange.End) event.Kind {
	switch {
	case passed:
		return event.Transactional
	case e.Status >= 500 || e.Status == 0:
		return event.Error
	}
	return event.PolicyViolation
}

// wants reports whether a rule is for requests that ended so.
func (e *entry) wants(failed bool) bool {
	switch e.cfg.When {
	case "success":
		return !failed
	case "failure":
		return failed
	}
	return true
}

func wanted(to []*destination.Destination, kind event.Kind) bool {
	for _, d := range to {
		if d.Takes(kind) {
			return true
		}
	}
	return false
}

// keepSize is how large a buffer may be to be kept for other requests.
const keepSize = 64 << 10

// release gives the record back.
func (r *record) release() {
	if r.resBody == r.nativeResBody {
		r.nativeResBody = nil
	}
	if r.reqBody == r.nativeReqBody {
		r.nativeReqBody = nil
	}
	for _, c := range [...]*message.Copy{r.reqBody, r.resBody, r.nativeReqBody, r.nativeResBody} {
		if c != nil {
			c.Release()
		}
	}
	l := r.log
	r.x.Record = nil
	*r = record{
		end: r.end, take: r.take, fields: r.fields[:0], request: r.request[:0], response: r.response[:0],
		nativeRequest: r.nativeRequest[:0], nativeResponse: r.nativeResponse[:0], line: kept(r.line),
		scratch: scratch{kept(r.scratch.query), kept(r.scratch.escaped), kept(r.scratch.body), kept(r.scratch.hidden), kept(r.scratch.path), kept(r.scratch.basic)},
	}
	l.records.Put(r)
}

func kept(b []byte) []byte {
	if cap(b) > keepSize {
		return nil
	}
	return b[:0]
}
