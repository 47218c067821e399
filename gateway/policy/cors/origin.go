package cors

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"postern/gateway/exchange"
	"postern/provisioning/config"
)

// origins are those that a policy names.
type origins struct {
	any       bool
	exact     map[string]bool
	wildcards []wildcard
	patterns  []*regexp.Regexp
}

// wildcard is all origins with names below a host.
type wildcard struct{ scheme, suffix string } // "https://" and ".example.com:8443"

// longest is more than an origin can have: scheme, name and port.
const longest = 512

// newOrigins compiles origins; the error is config.Faults.
func newOrigins(cfg []config.Origin) (origins, error) {
	o := origins{exact: map[string]bool{}}
	var faults config.Faults
	for i, item := range cfg {
		switch scheme, host, below := strings.Cut(item.Text, "*"); {
		case item.Pattern != "":
			pattern, err := regexp.Compile(`\A(?:` + item.Pattern + `)\z`)
			if err != nil {
				err = fmt.Errorf("compile pattern %q: %w", item.Pattern, err)
				faults = append(faults, config.Fault{Path: []any{"origins", i, "pattern"}, Message: err.Error()})
			}
			o.patterns = append(o.patterns, pattern)
		case item.Text == config.Wildcard:
			o.any = true
		case below:
			o.wildcards = append(o.wildcards, wildcard{scheme, host})
		default:
			o.exact[item.Text] = true
		}
	}
	if len(faults) > 0 {
		return o, faults
	}
	return o, nil
}

// hold reports whether an origin is among them.
func (o *origins) hold(origin []byte) bool {
	if o.any || o.exact[string(origin)] {
		return true
	}
	if len(origin) > longest {
		return false
	}
	for _, w := range o.wildcards {
		if w.holds(origin) {
			return true
		}
	}
	for _, p := range o.patterns {
		if p.Match(origin) {
			return true
		}
	}
	return false
}

// holds reports whether the origin is a name below the host. Browsers write no
// name otherwise than with these bytes.
func (w wildcard) holds(origin []byte) bool {
	if len(origin) <= len(w.scheme)+len(w.suffix) || string(origin[:len(w.scheme)]) != w.scheme {
		return false
	}
	labels, rest := origin[len(w.scheme):len(origin)-len(w.suffix)], origin[len(origin)-len(w.suffix):]
	if string(rest) != w.suffix {
		return false
	}
	before := byte('.')
	for _, c := range labels {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && before != '.':
			before = c
		default:
			return false
		}
	}
	return before != '.'
}

// asked is the Origin of a request, and how many of them it has.
func asked(x *exchange.Exchange) (origin []byte, fields int) {
	x.Head.Visit(func(name, value []byte) {
		if len(name) == len(originField) && bytes.EqualFold(name, originField) {
			origin = value
			fields++
		}
	})
	return origin, fields
}

// same reports whether an origin is the one that is asked: its pages need no
// permission, and browsers name it in some requests.
func same(x *exchange.Exchange, origin []byte) bool {
	scheme, port := "http://", ":80"
	if x.OverTLS() {
		scheme, port = "https://", ":443"
	}
	host := x.HTTP.Request.Header.Host()
	if !bytes.HasPrefix(origin, []byte(scheme)) || len(host) == 0 {
		return false
	}
	return bytes.EqualFold(origin[len(scheme):], bytes.TrimSuffix(host, []byte(port)))
}

var originField = []byte("Origin")
