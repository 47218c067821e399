package wire

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// Request is what a request's head says about its framing and its connection.
type Request struct {
	HTTP10   bool
	Close    bool  // this request is the connection's last
	Length   int64 // of the body; -1: not stated
	Chunked  bool
	Expect   bool // 100-continue, and a body follows
	Trailers bool // TE: trailers
}

// HasBody reports whether body bytes follow the head.
func (r *Request) HasBody() bool { return r.Chunked || r.Length > 0 }

// CheckLine is the strict look at a request line that fasthttp does not take:
// one space each, a method of upper-case letters and hyphens, a version that is
// spoken here, a target of visible ASCII. head begins with the line.
func CheckLine(head []byte) error {
	text := bytes.TrimSuffix(head[:bytes.IndexByte(head, '\n')], []byte{'\r'})
	method, rest, ok := bytes.Cut(text, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	if !ok || !ok2 || !IsToken(method) || len(target) == 0 || !all(target, targetByte) {
		return ErrRequestLine
	}
	if len(version) != 8 || string(version[:5]) != "HTTP/" || version[6] != '.' || !digit(version[5]) || !digit(version[7]) {
		return ErrRequestLine
	}
	if version[5] != '1' || version[7] > '1' {
		return ErrVersion
	}
	for _, c := range method {
		if (c < 'A' || c > 'Z') && c != '-' {
			return ErrMethod
		}
	}
	if m := string(method); m == fasthttp.MethodConnect || m == fasthttp.MethodTrace {
		return ErrMethod
	}
	return nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// ReadRequest judges the header section of a request that header has parsed,
// and fills head with the lines that may be forwarded. What it reads of framing
// and connection leaves head: the forwarder writes it anew. It reduces an
// absolute-form target to origin-form.
func ReadRequest(header *fasthttp.RequestHeader, head *Head) (Request, error) {
	r := Request{HTTP10: !header.IsHTTP11(), Length: -1}
	r.Close = r.HTTP10
	if err := head.parse(header.RawHeaders()); err != nil {
		return r, err
	}
	if err := r.readLines(head); err != nil {
		return r, err
	}
	if r.Chunked && (r.Length >= 0 || r.HTTP10) {
		return r, ErrTransferEncoding
	}
	if err := checkTarget(header); err != nil {
		return r, err
	}
	if r.Expect && (r.HTTP10 || !r.HasBody()) {
		r.Expect = false
		head.dropField(expect)
	}
	head.mirror = header
	return r, nil
}

// Diagnose says why a head is refused that fasthttp could not parse. The head
// may have been changed by the attempt, in the case of its names only.
func Diagnose(head []byte) error {
	var fields Head
	r := Request{Length: -1}
	line := bytes.IndexByte(head, '\n')
	r.HTTP10 = bytes.HasSuffix(head[:line], []byte("1.0\r"))
	if err := fields.parse(head[line+1:]); err != nil {
		return err
	}
	if err := r.readLines(&fields); err != nil {
		return err
	}
	if r.Chunked && r.Length >= 0 {
		return ErrTransferEncoding
	}
	return ErrHead
}

// readLines reads the fields that end here.
func (r *Request) readLines(head *Head) error {
	hosts, credentials := 0, 0
	for i := range head.lines {
		l := &head.lines[i]
		if l.field == other || l.gone {
			continue
		}
		switch l.field {
		case host:
			hosts++
		case authorization:
			credentials++
		case connection:
			if err := r.readConnection(head, l.value); err != nil {
				return err
			}
		case contentLength:
			n, ok := parseLength(l.value)
			if !ok || r.Length >= 0 {
				return ErrContentLength
			}
			r.Length, l.gone = n, true
		case transferEncoding:
			if err := r.readCoding(l.value); err != nil {
				return err
			}
		case expect:
			if r.Expect || !equalFold(l.value, "100-continue") {
				return ErrExpect
			}
			r.Expect = true
		case te:
			r.Trailers = r.Trailers || hasToken(l.value, "trailers")
		}
		if l.field.hop() {
			l.gone = true
		}
	}
	if hosts > 1 || hosts == 0 && !r.HTTP10 {
		return ErrHost
	}
	if credentials > 1 {
		return ErrAuthorization // one would be judged, and the other believed
	}
	return nil
}

// readCoding accepts chunked, alone and once.
func (r *Request) readCoding(value []byte) error {
	switch {
	case r.Chunked || r.HTTP10:
		return ErrTransferEncoding
	case equalFold(value, "chunked"):
		r.Chunked = true
		return nil
	case equalFold(value, "identity") || len(value) == 0:
		return ErrTransferEncoding
	}
	return ErrCoding
}

// readConnection removes the fields that Connection names, except those that
// the gateway itself depends on.
func (r *Request) readConnection(head *Head, value []byte) error {
	closing, err := head.nominate(value)
	r.Close = r.Close || closing
	return err
}

// nominate removes what a Connection value names (RFC 9110 7.6.1) and reports
// whether it says close. Names that the gateway reads, sets or protects stay.
func (h *Head) nominate(value []byte) (closing bool, err error) {
	for len(value) > 0 {
		var token []byte
		token, value = nextToken(value)
		switch {
		case len(token) == 0:
			continue
		case !IsToken(token):
			return false, ErrConnection
		case equalFold(token, "close"):
			closing = true
		case equalFold(token, "upgrade"):
			h.upgrading = true
		case classify(token) == other:
			if h.nominated++; h.nominated > maxNominated {
				return false, ErrConnection
			}
			h.dropNamed(token)
		}
	}
	return closing, nil
}

// maxNominated bounds how often a head is searched for what Connection names.
const maxNominated = 64

func (h *Head) dropNamed(name []byte) {
	for i := range h.lines {
		if l := &h.lines[i]; bytes.EqualFold(l.name, name) {
			l.gone = true
		}
	}
}

func (h *Head) dropField(f field) {
	for i := range h.lines {
		if l := &h.lines[i]; l.field == f {
			l.gone = true
		}
	}
}

// nextToken cuts the first element off a comma-separated list.
func nextToken(list []byte) (token, rest []byte) {
	comma := bytes.IndexByte(list, ',')
	if comma < 0 {
		return trim(list), nil
	}
	return trim(list[:comma]), list[comma+1:]
}

// hasToken reports whether a comma-separated list holds token, in any case.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var t []byte
		if t, list = nextToken(list); equalFold(t, token) {
			return true
		}
	}
	return false
}

// parseLength reads a content-length: digits only, within int64.
func parseLength(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 32 {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		if !digit(c) || n > (1<<63-1-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// checkTarget accepts origin-form, the asterisk of OPTIONS, and absolute-form
// whose authority is the Host; the last is reduced to origin-form.
func checkTarget(header *fasthttp.RequestHeader) error {
	target, hostField := header.RequestURI(), header.Host()
	if len(hostField) > 0 && !validHost(hostField) {
		return ErrHost
	}
	if bytes.IndexByte(target, '#') >= 0 {
		return ErrTarget // a fragment is never sent; some servers cut it off, others do not
	}
	if target[0] == '/' || len(target) == 1 && target[0] == '*' && header.IsOptions() {
		return nil
	}
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return ErrTarget
	}
	path := bytes.IndexAny(rest, "/?")
	if path < 0 {
		path = len(rest)
	}
	if !validHost(rest[:path]) {
		return ErrTarget
	}
	if !bytes.EqualFold(rest[:path], hostField) {
		return ErrHost
	}
	origin := rest[path:]
	if len(origin) == 0 || origin[0] != '/' {
		origin = append([]byte{'/'}, origin...)
	}
	header.SetRequestURIBytes(append([]byte(nil), origin...))
	return nil
}

// validHost accepts what a host and an optional port may hold: a registered
// name, an address, brackets around an IPv6 one (RFC 3986 3.2.2).
func validHost(b []byte) bool {
	name, port := b, []byte(nil)
	if i := bytes.LastIndexByte(b, ':'); i >= 0 && !bytes.ContainsRune(b[i:], ']') {
		name, port = b[:i], b[i+1:]
	}
	for _, c := range port {
		if !digit(c) {
			return false
		}
	}
	if len(name) == 0 || len(port) > 5 {
		return false
	}
	if name[0] == '[' {
		return validIPv6(name)
	}
	for _, c := range name {
		if !digit(c) && (lower(c) < 'a' || lower(c) > 'z') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return true
}

// validIPv6 checks the characters of a bracketed address.
func validIPv6(name []byte) bool {
	if len(name) < 4 || name[len(name)-1] != ']' {
		return false
	}
	for _, c := range name[1 : len(name)-1] {
		if !digit(c) && (lower(c) < 'a' || lower(c) > 'f') && c != ':' && c != '.' {
			return false
		}
	}
	return true
}
