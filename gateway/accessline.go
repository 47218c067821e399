package gateway

import (
	"bytes"
	"crypto/tls"
	"strconv"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/quote"
	"postern/provisioning/config"
)

// lineFormat is how the exchanges of a generation are logged.
type lineFormat struct {
	access   config.Access
	combined bool
	query    bool
	mask     masker
}

// newLineFormat hides, besides what cfg says, the values of the parameters named.
func newLineFormat(cfg config.Logging, hide ...string) lineFormat {
	mask := newMasker(append(hide, cfg.Mask...))
	return lineFormat{access: cfg.Access, combined: cfg.Format == "combined", query: cfg.Query, mask: mask}
}

// tokenParameters are the parameters in which callers may put their token or key.
func tokenParameters(cfg *config.Config) (names []string) {
	for place := range cfg.TokenSources() {
		if place.Query != "" {
			names = append(names, place.Query)
		}
	}
	return names
}

// wants reports whether an exchange that ended so gets a line.
func (f *lineFormat) wants(e exchange.End) bool {
	switch f.access {
	case config.AccessNone:
		return false
	case config.AccessErrors:
		return e.Status >= 400 || e.Err != nil
	}
	return true
}

// scratch is room for the parts of a line, kept from one to the next.
type scratch struct{ query, escaped []byte }

// append writes the line of an exchange. Of the request's fields it knows Host,
// User-Agent and Referer.
func (f *lineFormat) append(b []byte, x *exchange.Exchange, e exchange.End, s *scratch) []byte {
	if f.combined {
		return f.appendCombined(b, x, e, s)
	}
	return f.appendJSON(b, x, e, s)
}

// appendJSON writes always the same keys.
func (f *lineFormat) appendJSON(b []byte, x *exchange.Exchange, e exchange.End, s *scratch) []byte {
	b = x.Started.UTC().AppendFormat(append(b, `{"time":"`...), "2006-01-02T15:04:05.000Z")
	b = append(append(b, `","id":"`...), x.ID...)
	b = append(b, `","trace_id":"`...)
	if x.Trace.Valid() {
		b = x.Trace.AppendID(b)
	}
	b = append(b, `","client":"`...)
	if x.Address.IsValid() {
		b = x.Address.AppendTo(b)
	}
	b = append(append(b, `","tls":"`...), tlsName(x.TLS)...)
	b = append(append(b, `","proto":"`...), protocol(x)...)
	b = append(b, '"')
	var method, host, agent []byte
	if understood(x) {
		header := &x.HTTP.Request.Header
		method, host, agent = header.Method(), header.Host(), header.UserAgent()
	}
	b = quote.Append(append(b, `,"method":`...), method)
	b = quote.Append(append(b, `,"host":`...), host)
	b = quote.Append(append(b, `,"path":`...), f.path(x.Path, s))
	b = quote.Append(append(b, `,"query":`...), f.shown(x.Query, s))
	b = quote.Append(append(b, `,"api":`...), x.API)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(e.Status), 10)
	b = quote.Append(append(b, `,"code":`...), x.Problem)
	b = quote.Append(append(b, `,"reason":`...), x.Reason)
	b = quote.Append(append(b, `,"sub":`...), x.Caller.Subject)
	b = quote.Append(append(b, `,"by":`...), x.Caller.By)
	b = quote.Append(append(b, `,"application":`...), x.Caller.Application.Name)
	b = quote.Append(append(b, `,"rule":`...), x.Rule)
	b = quote.Append(append(b, `,"upstream":`...), x.Upstream)
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(x.Attempts), 10)
	b = appendMilliseconds(append(b, `,"duration_ms":`...), e.Duration)
	b = appendMilliseconds(append(b, `,"upstream_ms":`...), x.UpstreamTime)
	b = strconv.AppendInt(append(b, `,"sent":`...), e.Sent, 10)
	b = strconv.AppendInt(append(b, `,"received":`...), e.Received, 10)
	b = quote.Append(append(b, `,"agent":`...), agent)
	failed := ""
	if e.Err != nil {
		failed = e.Err.Error()
	}
	b = quote.Append(append(b, `,"error":`...), failed)
	return append(b, '}', '\n')
}

// appendCombined writes what Apache and nginx call the combined format, and the
// request id after it.
func (f *lineFormat) appendCombined(b []byte, x *exchange.Exchange, e exchange.End, s *scratch) []byte {
	if x.Address.IsValid() {
		b = x.Address.AppendTo(b)
	} else {
		b = append(b, '-')
	}
	b = appendEscaped(append(b, " - "...), x.Caller.Subject, false)
	b = x.Started.UTC().AppendFormat(append(b, " ["...), "02/Jan/2006:15:04:05 +0000")
	b = append(b, `] "`...)
	var agent, referer []byte
	if understood(x) {
		header := &x.HTTP.Request.Header
		agent, referer = header.UserAgent(), header.Peek("Referer")
		b = appendEscaped(b, header.Method(), true)
		b = appendEscaped(append(b, ' '), f.path(x.Path, s), true)
		if query := f.shown(x.Query, s); len(query) > 0 {
			b = appendEscaped(append(b, '?'), query, true)
		}
		b = append(append(b, ' '), protocol(x)...)
	} else {
		b = append(b, '-')
	}
	b = strconv.AppendInt(append(b, `" `...), int64(e.Status), 10)
	b = strconv.AppendInt(append(b, ' '), e.Sent, 10)
	b = f.appendReferer(append(b, ` "`...), referer, s)
	b = appendEscaped(append(b, `" "`...), agent, true)
	return append(append(append(b, `" `...), x.ID...), '\n')
}

// appendReferer writes where the caller comes from: without what may be secret
// in an address, which is a password and the same of a query as in its own.
func (f *lineFormat) appendReferer(b, referer []byte, s *scratch) []byte {
	referer, _, _ = bytes.Cut(referer, []byte{'#'})
	address, query, _ := bytes.Cut(referer, []byte{'?'})
	begin := 0
	if slashes := bytes.Index(address, []byte("//")); slashes >= 0 {
		begin = slashes + 2
	}
	end := len(address)
	if slash := bytes.IndexByte(address[begin:], '/'); slash >= 0 {
		end = begin + slash
	}
	if at := bytes.LastIndexByte(address[begin:end], '@'); at >= 0 {
		b = appendEscaped(b, address[:begin], true)
		address = address[begin+at+1:]
	}
	b = appendEscaped(b, f.path(address, s), true)
	if query = f.shown(query, s); len(query) > 0 {
		b = appendEscaped(append(b, '?'), query, true)
	}
	return b
}

// shown is what may be logged of a query, as long as s is not used again.
func (f *lineFormat) shown(query []byte, s *scratch) []byte {
	if !f.query || len(query) == 0 {
		return nil
	}
	s.query = f.mask.append(s.query[:0], query, &s.escaped)
	return s.query
}

// path is what may be logged of a path, as long as s is not used again.
func (f *lineFormat) path(path []byte, s *scratch) []byte {
	s.query = f.mask.appendPath(s.query[:0], path, &s.escaped)
	return s.query
}

// understood reports whether the request's head could be read.
func understood(x *exchange.Exchange) bool { return len(x.Path) > 0 }

func protocol(x *exchange.Exchange) string {
	switch {
	case !understood(x):
		return ""
	case x.Request.HTTP10:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// tlsName is the version of TLS; "" without it.
func tlsName(version uint16) string {
	switch version {
	case tls.VersionTLS12:
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return ""
}

// appendEscaped writes text as nginx does: quotes, backslashes and what is not
// printable ASCII as \xHH, nothing as a dash. In a word that is not quoted,
// spaces are escaped too.
func appendEscaped[T ~string | ~[]byte](b []byte, text T, quoted bool) []byte {
	const digits = "0123456789ABCDEF"
	if len(text) == 0 {
		return append(b, '-')
	}
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == ' ' && !quoted {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// appendMilliseconds writes d with three decimals.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := max(d, 0).Microseconds()
	b = strconv.AppendInt(b, us/1000, 10)
	return append(b, '.', byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}
