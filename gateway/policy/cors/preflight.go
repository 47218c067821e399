package cors

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// fields are the names of request fields that pages may set.
type fields struct {
	any   bool
	names [][]byte
	list  string
}

func newFields(names []string) (f fields) {
	for i, name := range names {
		f.any = f.any || name == config.Wildcard
		f.names = append(f.names, []byte(name))
		if i > 0 {
			f.list += ", "
		}
		f.list += name
	}
	return f
}

// Fields that ask and answer.
const (
	requestMethod  = "Access-Control-Request-Method"
	requestHeaders = "Access-Control-Request-Headers"
)

// Preflight is the method that a browser asks about before it sends a request
// with it; nil: x is no preflight. One that names the origin that is asked is
// none either: no browser sends it, and the policy would let it through, as what
// it is and not as what it asks about.
func Preflight(x *exchange.Exchange) []byte {
	if !x.HTTP.IsOptions() {
		return nil
	}
	if origin, fields := asked(x); fields == 0 || fields == 1 && same(x, origin) {
		return nil
	}
	return x.Head.Get(requestMethod)
}

// requested is Preflight of an x that has an Origin.
func requested(x *exchange.Exchange) []byte {
	if !x.HTTP.IsOptions() {
		return nil
	}
	return x.Head.Get(requestMethod)
}

// preflight answers what a browser asks of an origin that may call.
func (r *rules) preflight(x *exchange.Exchange, origin, method []byte) error {
	r.mark(x)
	x.Fields.Add("Vary", requestMethod+", "+requestHeaders)
	wanted := x.Head.Get(requestHeaders)
	switch {
	case !r.allowsMethod(method):
		return r.method
	case !r.headers.allow(wanted):
		x.Reason = "a header is not allowed"
		return r.header
	}
	r.permit(x, origin)
	if r.methods != nil {
		x.Fields.Add("Access-Control-Allow-Methods", r.listed)
	} else {
		x.Fields.AddBytes("Access-Control-Allow-Methods", method)
	}
	switch {
	case r.headers.any && len(wanted) > 0:
		x.Fields.AddBytes("Access-Control-Allow-Headers", wanted)
	case !r.headers.any && r.headers.list != "":
		x.Fields.Add("Access-Control-Allow-Headers", r.headers.list)
	}
	if r.maxAge != "" {
		x.Fields.Add("Access-Control-Max-Age", r.maxAge)
	}
	x.HTTP.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// allow reports whether a page may set all fields of a list. It must be one: it
// is repeated where all fields are allowed.
func (f *fields) allow(list []byte) bool {
	for more := len(list) > 0; more; {
		var name []byte
		name, list, more = bytes.Cut(list, comma)
		if name = bytes.Trim(name, " \t"); len(name) > 0 && !f.hold(name) {
			return false
		}
	}
	return true
}

var comma = []byte(",")

func (f *fields) hold(name []byte) bool {
	if f.any {
		return wire.IsToken(name)
	}
	for _, allowed := range f.names {
		if bytes.EqualFold(name, allowed) {
			return true
		}
	}
	return false
}
