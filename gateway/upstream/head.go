package upstream

import (
	"strconv"

	"postern/gateway/exchange"
)

// appendLine writes the request line and Host, which differ by target.
func (u *Upstream) appendLine(b []byte, x *exchange.Exchange, t *target) []byte {
	b = append(b, x.SentMethod()...)
	b = append(b, ' ')
	b = u.appendTarget(b, x, t)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if t.hostSent != "" {
		b = append(b, t.hostSent...)
	} else {
		b = append(b, x.HTTP.Request.Header.Host()...)
	}
	return append(b, "\r\n"...)
}

// appendFields writes the other fields of the request's head as every target
// shall see them; it can do so once. Lines that nobody changed go as they came;
// framing and what says who forwards are written anew.
func appendFields(b []byte, x *exchange.Exchange) []byte {
	b = appendForwarded(b, x)
	if x.Trace.Valid() {
		b = append(x.Trace.AppendParent(append(b, "traceparent: "...)), "\r\n"...)
	}
	b = x.Head.AppendForward(b)
	if x.Request.HTTP10 {
		b = append(b, "Via: 1.0 postern\r\n"...)
	} else {
		b = append(b, "Via: 1.1 postern\r\n"...)
	}
	switch {
	case x.Request.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case x.Request.Length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, x.Request.Length, 10)
		b = append(b, "\r\n"...)
	}
	switch {
	case x.Upgrade != nil:
		b = appendUpgrade(b, x.Upgrade)
	case x.Request.Trailers:
		b = append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendTarget writes the target's path, what follows the API's prefix, and the
// query.
func (u *Upstream) appendTarget(b []byte, x *exchange.Exchange, t *target) []byte {
	start := len(b)
	b = append(b, t.prefix...)
	if !u.strip {
		b = append(b, x.Path[:len(x.Path)-len(x.Rest)]...)
	}
	b = append(b, x.SentRest()...)
	if len(b) == start {
		b = append(b, '/')
	}
	if x.Query != nil {
		b = append(b, '?')
		b = append(b, x.Query...)
	}
	return b
}

// appendForwarded says for whom the request is forwarded. What the caller says
// of itself was removed unless it is a trusted proxy, whose lines are continued.
func appendForwarded(b []byte, x *exchange.Exchange) []byte {
	if !x.Trusted {
		x.Head.DropForwarded()
	}
	b = append(b, "X-Forwarded-For: "...)
	if x.Trusted {
		b = x.Head.TakeList(b, "X-Forwarded-For")
	}
	b = append(b, x.Conn.Peer...)
	b = append(b, "\r\n"...)
	if !x.Trusted || x.Head.Get("X-Forwarded-Proto") == nil {
		b = append(b, "X-Forwarded-Proto: "...)
		b = append(b, scheme(x)...)
		b = append(b, "\r\n"...)
	}
	host := x.HTTP.Request.Header.Host()
	if len(host) > 0 && (!x.Trusted || x.Head.Get("X-Forwarded-Host") == nil) {
		b = append(b, "X-Forwarded-Host: "...)
		b = append(b, host...)
		b = append(b, "\r\n"...)
	}
	if x.Trusted && x.Head.Get("Forwarded") != nil {
		b = append(b, "Forwarded: "...)
		b = x.Head.TakeList(b, "Forwarded")
		b = appendNode(append(b, "for="...), x.Conn.Peer)
		b = append(append(b, ";proto="...), scheme(x)...)
		b = append(b, "\r\n"...)
	}
	return b
}

func scheme(x *exchange.Exchange) string {
	if x.Secure {
		return "https"
	}
	return "http"
}

// appendNode writes an address as RFC 7239 6 wants it: IPv6 in quotes and
// brackets.
func appendNode(b []byte, address string) []byte {
	for i := 0; i < len(address); i++ {
		if address[i] == ':' {
			b = append(append(b, `"[`...), address...)
			return append(b, `]"`...)
		}
	}
	return append(b, address...)
}

// Head is the request's head as the first target would see it, for showing only.
func (u *Upstream) Head(x *exchange.Exchange) []byte {
	x.Upgrade, _ = u.upgrades.wanted(x) // without an upgrade it is shown as it was meant
	return appendFields(u.appendLine(nil, x, u.members[0].target), x)
}
