package invocationlog

import (
	"bytes"
	"slices"
	"strings"

	"postern/gateway/quote"
	"postern/gateway/wire"
)

// hidden stands for what is not stored, as webMethods writes it.
const hidden = "**************"

// always are the fields that hold credentials, wherever callers of an API put
// theirs.
var always = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Gateway-APIKey", "X-API-Key", "DPoP",
	"Authentication-Info", "Proxy-Authentication-Info",
}

// hides reports whether the value of a field is not stored.
func (l *Log) hides(name []byte) bool {
	for _, list := range [...][]string{always, l.site.Secrets} {
		for _, secret := range list {
			if len(secret) > 0 && alike(name, secret) {
				return true
			}
		}
	}
	return false
}

// alike compares names as servers do that read "_" as "-".
func alike(name []byte, secret string) bool {
	if len(name) != len(secret) {
		return false
	}
	for i := range name {
		a, b := name[i], secret[i]
		if a == '_' {
			a = '-'
		}
		if b == '_' {
			b = '-'
		}
		if a != b && (a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z') {
			return false
		}
	}
	return true
}

// mostFields bounds the members of an object, so that nobody makes a sink keep
// columns for thousands of names.
const mostFields = 256

// pair is a name with its value. It borrows a message's memory.
type pair struct{ name, value []byte }

// add keeps a field for the next object.
func (r *record) add(name, value []byte) {
	if len(r.fields) < mostFields {
		r.fields = append(r.fields, pair{name, value})
	}
}

// appendHead appends an object of the fields of a head.
func (r *record) appendHead(b []byte, head *wire.Head) []byte {
	r.fields = r.fields[:0]
	head.Visit(r.take)
	return r.appendFields(b)
}

// appendFields appends an object of the fields that add has kept. Lines of one name
// are one member.
func (r *record) appendFields(b []byte) []byte {
	fields := r.fields
	b = append(b, '{')
	for i, f := range fields {
		if before(fields[:i], f.name) {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(quote.Append(b, f.name), ':')
		if r.log.hides(f.name) {
			b = quote.Append(b, hidden)
			continue
		}
		b = quote.Append(b, r.value(f))
		for _, other := range fields[i+1:] {
			if bytes.EqualFold(other.name, f.name) {
				b = join(b, r.value(other))
			}
		}
	}
	return append(b, '}')
}

// value is what is stored of a field. What holds an address goes without what is
// secret in one: a password, and parameters that are secret in the request's own.
func (r *record) value(f pair) []byte {
	if !slices.ContainsFunc(addresses, func(name string) bool { return alike(f.name, name) }) {
		return r.secrets.without(f.value)
	}
	text, _, _ := bytes.Cut(f.value, []byte{'#'})
	address, query, _ := bytes.Cut(text, []byte{'?'})
	begin := bytes.Index(address, []byte("//"))
	if begin += 2; begin < 2 {
		begin = 0
	}
	end := len(address)
	if slash := bytes.IndexByte(address[begin:], '/'); slash >= 0 {
		end = begin + slash
	}
	s := &r.scratch
	at := begin + bytes.LastIndexByte(address[begin:end], '@') + 1
	s.body = r.log.site.MaskPath(append(s.body[:0], address[:begin]...), address[at:], &s.escaped)
	if s.query = r.log.site.Mask(s.query[:0], query, &s.escaped); len(s.query) > 0 {
		s.body = append(append(s.body, '?'), s.query...)
	}
	return r.secrets.without(s.body)
}

// addresses are the fields that hold one.
var addresses = []string{"Referer", "Location", "Content-Location"}

func before(fields []pair, name []byte) bool {
	for _, f := range fields {
		if bytes.EqualFold(f.name, name) {
			return true
		}
	}
	return false
}

// join adds a value to the string that b ends with.
func join(b, value []byte) []byte {
	end := len(b) - 1
	b = quote.Append(append(b[:end], ',', ' '), value)
	// The quotation mark that begins value goes.
	return append(b[:end+2], b[end+3:]...)
}

// isForm reports whether a body is one that may hold what a query may.
func isForm(contentType []byte) bool {
	kind, _, _ := strings.Cut(string(contentType), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}
