package outbound

import (
	"bytes"
	"net/url"
	"strings"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// parameter is a key in the query.
type parameter struct {
	name string
	pair string // escaped, with the key
}

func newParameter(cfg *config.OutboundKey) *parameter {
	escaped := strings.ReplaceAll(url.QueryEscape(cfg.Value.Reveal()), "+", "%20")
	return &parameter{cfg.Query, url.QueryEscape(cfg.Query) + "=" + escaped}
}

func (p *parameter) policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		p.set(x)
		return next(x)
	}
}

var ampersand, questionMark = []byte("&"), []byte("?")

// set writes the request's target anew: what the caller has sent, byte for byte
// but for parameters of the name, and the pair.
func (p *parameter) set(x *exchange.Exchange) {
	header := &x.HTTP.Request.Header
	var room [1024]byte
	path, _, _ := bytes.Cut(header.RequestURI(), questionMark)
	fresh := append(append(room[:0], path...), '?')
	start := len(fresh)
	query := x.Query
	for more := len(query) > 0; more; {
		var one []byte
		one, query, more = bytes.Cut(query, ampersand)
		if !p.is(one) {
			fresh = append(append(fresh, one...), '&')
		}
	}
	header.SetRequestURIBytes(append(fresh, p.pair...))
	x.Query = header.RequestURI()[start:]
}

// is reports whether a parameter has the name, however that is escaped.
func (p *parameter) is(one []byte) bool {
	name, _, _ := bytes.Cut(one, []byte("="))
	if string(name) == p.name {
		return true
	}
	if bytes.IndexByte(name, '%') < 0 && bytes.IndexByte(name, '+') < 0 {
		return false
	}
	plain, err := url.QueryUnescape(string(name))
	return err == nil && plain == p.name
}
