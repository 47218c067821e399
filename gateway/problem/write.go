package problem

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"postern/gateway/quote"
)

// TypeBase precedes a code in the member type.
const TypeBase = "urn:postern:problem:"

// InstanceBase precedes a request id in the member instance.
const InstanceBase = "urn:postern:request:"

// RequestID is the field that carries a request's id.
const RequestID = "X-Request-Id"

// Write makes p the whole answer, under the request's id.
func (p *Problem) Write(response *fasthttp.Response, id []byte) {
	response.Reset()
	response.SetStatusCode(p.Status)
	h := &response.Header
	h.SetContentType("application/problem+json")
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	h.SetBytesV(RequestID, id)
	if challenge := p.challenge(); challenge != "" {
		h.Set(fasthttp.HeaderWWWAuthenticate, challenge)
	}
	if p.Nonce != "" {
		h.Set("DPoP-Nonce", p.Nonce)
	}
	if p.RetryAfter > 0 {
		var seconds [20]byte
		h.SetBytesV(fasthttp.HeaderRetryAfter, strconv.AppendInt(seconds[:0], wholeSeconds(p.RetryAfter), 10))
	}
	if p.Allow != "" {
		h.Set(fasthttp.HeaderAllow, p.Allow)
	}
	var body [512]byte
	response.SetBody(p.appendBody(body[:0], id))
}

// challenge is what RFC 6750 3 asks of a 401, even if the problem says nothing.
func (p *Problem) challenge() string {
	if p.Challenge == "" && p.Status == fasthttp.StatusUnauthorized {
		return Challenge
	}
	return p.Challenge
}

// wholeSeconds rounds up: who comes back too early is refused again.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// appendBody writes the members of RFC 9457, and code.
func (p *Problem) appendBody(b, id []byte) []byte {
	b = append(append(b, `{"type":"`+TypeBase...), p.Code...)
	b = quote.Append(append(b, `","title":`...), p.Title)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(p.Status), 10)
	if p.Detail != "" {
		b = quote.Append(append(b, `,"detail":`...), p.Detail)
	}
	b = append(append(b, `,"instance":"`+InstanceBase...), id...)
	b = append(append(b, `","code":"`...), p.Code...)
	b = append(b, '"')
	for i := range p.Errors {
		b = p.Errors[i].append(append(b, separator(i)...))
	}
	if p.Errors != nil {
		b = append(b, ']')
	}
	return append(b, '}', '\n')
}

// separator is what stands before the fault of a number.
func separator(i int) string {
	if i == 0 {
		return `,"errors":[`
	}
	return ","
}

func (f *Fault) append(b []byte) []byte {
	b = quote.Append(append(b, `{"in":`...), f.In)
	b = quote.Append(append(b, `,"pointer":`...), f.Pointer)
	b = quote.Append(append(b, `,"detail":`...), f.Detail)
	return append(b, '}')
}
