package exchange

import (
	"bytes"
	"net/url"
	"strings"
)

// Parameter is one that a query is given.
type Parameter struct {
	name string
	pair string // escaped
}

// NewParameter makes one. It is safe for concurrent use.
func NewParameter(name, value string) Parameter {
	escaped := strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	return Parameter{name, url.QueryEscape(name) + "=" + escaped}
}

var ampersand, questionMark = []byte("&"), []byte("?")

// SetParameter writes the request's target anew: what the caller has sent, byte
// for byte but for parameters of the name, and the pair.
func (x *Exchange) SetParameter(p *Parameter) {
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
func (p *Parameter) is(one []byte) bool {
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
