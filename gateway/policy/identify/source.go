package identify

import (
	"bytes"
	"net/url"
	"strings"
	"unsafe"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// source is where the callers of an API may put their token, or their key.
type source struct {
	header, scheme []byte // scheme nil: the token stands alone
	cookie, query  []byte // nil: not there
	// authorization says that what stands in Authorization is a credential, and not
	// for the upstream, wherever the token stands.
	authorization bool
}

func newSource(cfg *config.TokenSource) source {
	s := source{header: []byte(cfg.Header), cookie: []byte(cfg.Cookie), query: []byte(cfg.Query)}
	if cfg.Scheme != config.NoScheme {
		s.scheme = []byte(cfg.Scheme)
	}
	return s
}

// presented is what a request presents.
type presented struct {
	raw         string // the token; borrows the request's memory
	proved      bool   // the scheme is DPoP: a proof comes with it
	tokens      int
	inQuery     bool // of the token
	credentials bool // something stands where a credential does
}

// take counts a token. Copying each would cost more than finding it in a cache
// does.
func (p *presented) take(token []byte) {
	if p.credentials = true; len(token) > 0 {
		p.tokens++
		p.raw = unsafe.String(unsafe.SliceData(token), len(token))
	}
}

// names of fields that are looked for.
var (
	authorizationField = []byte(fasthttp.HeaderAuthorization)
	cookieField        = []byte(fasthttp.HeaderCookie)
)

// find looks at every place where a token may stand, and takes the last.
func (s *source) find(x *exchange.Exchange) (p presented) {
	x.Head.Visit(func(name, value []byte) {
		p.credentials = p.credentials || s.authorization && bytes.EqualFold(name, authorizationField)
		switch {
		case len(s.header) > 0 && bytes.EqualFold(name, s.header):
			token, proved := s.ofHeader(value)
			p.take(token)
			p.proved = p.proved || proved && len(token) > 0
		case len(s.cookie) > 0 && bytes.EqualFold(name, cookieField):
			s.ofCookies(value, &p)
		}
	})
	if len(s.query) > 0 {
		s.ofQuery(x.Query, &p)
	}
	return p
}

// ofHeader is what follows the scheme; nil after another one. Where the scheme is
// Bearer it may be DPoP too, which says that a proof comes with the token.
func (s *source) ofHeader(value []byte) (token []byte, proved bool) {
	if len(s.scheme) == 0 {
		return bytes.Trim(value, " "), false
	}
	scheme, token, _ := bytes.Cut(value, space)
	proved = bytes.EqualFold(s.scheme, bearerScheme) && bytes.EqualFold(scheme, proofScheme)
	if !proved && !bytes.EqualFold(scheme, s.scheme) {
		return nil, false
	}
	return bytes.Trim(token, " "), proved
}

// Schemes of RFC 6750 and RFC 9449.
var (
	bearerScheme = []byte("Bearer")
	proofScheme  = []byte("DPoP")
)

// Separators.
var (
	space     = []byte(" ")
	semicolon = []byte(";")
	ampersand = []byte("&")
	equals    = []byte("=")
)

// ofCookies takes the named cookies of a Cookie field (RFC 6265 4.2.1).
func (s *source) ofCookies(value []byte, p *presented) {
	for more := true; more; {
		var pair []byte
		pair, value, more = bytes.Cut(value, semicolon)
		if s.isCookie(pair) {
			_, token, _ := bytes.Cut(pair, equals)
			p.take(bytes.Trim(token, " \t"))
		}
	}
}

func (s *source) isCookie(pair []byte) bool {
	name, _, _ := bytes.Cut(pair, equals)
	return bytes.Equal(bytes.Trim(name, " \t"), s.cookie)
}

// ofQuery takes the named parameters, in whatever way their name is escaped.
func (s *source) ofQuery(query []byte, p *presented) {
	for more := len(query) > 0; more; {
		var parameter []byte
		parameter, query, more = bytes.Cut(query, ampersand)
		if s.isParameter(parameter) {
			_, token, _ := bytes.Cut(parameter, equals)
			p.inQuery = true
			p.take(unescaped(token))
		}
	}
}

func (s *source) isParameter(parameter []byte) bool {
	name, _, _ := bytes.Cut(parameter, equals)
	return bytes.Equal(name, s.query) || bytes.IndexByte(name, '%') >= 0 && bytes.Equal(unescaped(name), s.query)
}

// unescaped is text without its escapes; what is no escape is left as it is, and
// then is no token either.
func unescaped(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	if plain, err := url.PathUnescape(string(text)); err == nil {
		return []byte(plain)
	}
	return text
}

// kept is a credential that was found, as long as the exchange lasts: taking
// others off writes over the memory of a query.
func (p *presented) kept() string {
	if p.inQuery {
		return strings.Clone(p.raw)
	}
	return p.raw
}

// remove takes off what the upstream must not see, in every spelling that some
// servers read as the same field; all else stays byte for byte.
func (s *source) remove(x *exchange.Exchange) {
	if s.authorization {
		x.Head.Del(fasthttp.HeaderAuthorization)
	}
	if len(s.header) > 0 && !(s.authorization && bytes.EqualFold(s.header, authorizationField)) {
		x.Head.Del(unsafe.String(unsafe.SliceData(s.header), len(s.header)))
	}
	if len(s.cookie) > 0 && s.inCookies(x) {
		x.Head.Edit(fasthttp.HeaderCookie, s.appendOtherCookies)
	}
	if len(s.query) > 0 && s.inQuery(x.Query) {
		s.cutQuery(x)
	}
}

// inCookies reports whether the cookie is there, also without a value.
func (s *source) inCookies(x *exchange.Exchange) (found bool) {
	x.Head.Visit(func(name, value []byte) {
		if !bytes.EqualFold(name, cookieField) {
			return
		}
		for more := true; more && !found; {
			var pair []byte
			pair, value, more = bytes.Cut(value, semicolon)
			found = s.isCookie(pair)
		}
	})
	return found
}

// inQuery reports whether the parameter is there, also without a value.
func (s *source) inQuery(query []byte) bool {
	for more := len(query) > 0; more; {
		var parameter []byte
		parameter, query, more = bytes.Cut(query, ampersand)
		if s.isParameter(parameter) {
			return true
		}
	}
	return false
}

func (s *source) appendOtherCookies(dst, value []byte) []byte {
	first := true
	for more := true; more; {
		var pair []byte
		pair, value, more = bytes.Cut(value, semicolon)
		switch {
		case s.isCookie(pair):
			continue
		case first:
			pair = bytes.TrimLeft(pair, " \t")
		default:
			dst = append(dst, ';')
		}
		dst, first = append(dst, pair...), false
	}
	return dst
}

// cutQuery writes the request target anew, without the parameter.
func (s *source) cutQuery(x *exchange.Exchange) {
	target, _, _ := bytes.Cut(x.HTTP.Request.Header.RequestURI(), []byte("?"))
	fresh := append(make([]byte, 0, len(target)+1+len(x.Query)), target...)
	query := x.Query
	x.Query = nil
	for more := true; more; {
		var parameter []byte
		parameter, query, more = bytes.Cut(query, ampersand)
		if s.isParameter(parameter) {
			continue
		}
		if x.Query == nil {
			fresh = append(fresh, '?')
		} else {
			fresh = append(fresh, '&')
		}
		fresh = append(fresh, parameter...)
		x.Query = fresh[len(target)+1:]
	}
	x.HTTP.Request.Header.SetRequestURIBytes(fresh)
}
