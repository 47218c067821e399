package invocationlog

import (
	"bytes"
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
		b = quote.Append(b, r.secrets.without(f.value))
		for _, other := range fields[i+1:] {
			if bytes.EqualFold(other.name, f.name) {
				b = join(b, r.secrets.without(other.value))
			}
		}
	}
	return append(b, '}')
}

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
