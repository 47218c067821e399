package variable

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"postern/gateway/claim"
)

// or reads word where a variable is empty.
func or(word string, from read) read {
	return func(dst []byte, v *Values) []byte {
		start := len(dst)
		if dst = from(dst, v); len(dst) == start {
			return append(dst, word...)
		}
		return dst
	}
}

func path(dst []byte, v *Values) []byte       { return append(dst, v.X.Path...) }
func method(dst []byte, v *Values) []byte     { return append(dst, v.X.HTTP.Request.Header.Method()...) }
func sentMethod(dst []byte, v *Values) []byte { return append(dst, v.X.SentMethod()...) }
func key(dst []byte, v *Values) []byte        { return append(dst, v.X.Presented.Key...) }
func token(dst []byte, v *Values) []byte      { return append(dst, v.X.Presented.Token...) }

// authorization is the caller's Authorization, taken off or not.
func authorization(dst []byte, v *Values) []byte {
	if value := v.X.Presented.Authorization; value != nil {
		return append(dst, value...)
	}
	return append(dst, v.X.Head.Get("Authorization")...)
}

func id(dst []byte, v *Values) []byte      { return append(dst, v.X.ID...) }
func issuer(dst []byte, v *Values) []byte  { return append(dst, v.X.Caller.Issuer...) }
func subject(dst []byte, v *Values) []byte { return append(dst, v.X.Caller.Subject...) }

func applicationID(dst []byte, v *Values) []byte { return append(dst, v.X.Caller.Application.ID...) }

func applicationName(dst []byte, v *Values) []byte {
	return append(dst, v.X.Caller.Application.Name...)
}

// client is who a token was issued to (RFC 9068 2.2, or as OpenID Connect has it).
func client(dst []byte, v *Values) []byte {
	for _, name := range [...]string{"client_id", "azp"} {
		if text, ok := v.X.Caller.Claims[name].(string); ok {
			return append(dst, text...)
		}
	}
	return dst
}

func apiName(dst []byte, v *Values) []byte {
	name, _, _ := strings.Cut(v.X.API, "/")
	return append(dst, name...)
}

func apiVersion(dst []byte, v *Values) []byte {
	_, version, _ := strings.Cut(v.X.API, "/")
	return append(dst, version...)
}

// operation is the template of the resource, or the path below the API where
// that names no resources.
func operation(dst []byte, v *Values) []byte {
	if v.X.Route != "" && v.X.Route != "/**" {
		return append(dst, v.X.Route...)
	}
	return append(dst, v.X.Rest...)
}

// resourcePath is the path below the API, without the slash before it: the
// vendor's addresses have one already.
func resourcePath(dst []byte, v *Values) []byte {
	rest := v.X.SentRest()
	if len(rest) > 0 && rest[0] == '/' {
		rest = rest[1:]
	}
	return append(dst, rest...)
}

func address(dst []byte, v *Values) []byte {
	if !v.X.Address.IsValid() {
		return dst
	}
	return v.X.Address.AppendTo(dst)
}

// status is the upstream's, else the one that the caller is told.
func status(dst []byte, v *Values) []byte {
	if v.X.Answer.Status == 0 && v.Problem != nil {
		return problemStatus(dst, v)
	}
	return strconv.AppendInt(dst, int64(v.X.Answer.Status), 10)
}

func problemStatus(dst []byte, v *Values) []byte {
	return strconv.AppendInt(dst, int64(v.Problem.Status), 10)
}

func reason(dst []byte, v *Values) []byte {
	switch {
	case len(v.X.Answer.Reason) > 0 && v.X.Answer.Status != 0:
		return append(dst, v.X.Answer.Reason...)
	case v.X.Answer.Status != 0:
		return append(dst, http.StatusText(v.X.Answer.Status)...)
	case v.Problem != nil:
		return append(dst, http.StatusText(v.Problem.Status)...)
	}
	return dst
}

func requestHeader(name string) read {
	return func(dst []byte, v *Values) []byte { return append(dst, v.X.Head.Get(name)...) }
}

// responseHeader reads a field of the upstream's answer. What is left of the
// head of an attempt that failed is not one.
func responseHeader(name string) read {
	return func(dst []byte, v *Values) []byte {
		if v.X.Answer.Status == 0 {
			return dst
		}
		return append(dst, v.X.Answer.Head.Get(name)...)
	}
}

// query reads the first parameter of that name.
func query(name string) read {
	return func(dst []byte, v *Values) []byte {
		dst, _ = Parameter(dst, v.X.Query, name)
		return dst
	}
}

// Parameter appends the value of the first parameter of that name, as it was
// meant, to dst; false: a query has none.
func Parameter(dst, query []byte, name string) (value []byte, found bool) {
	for rest := query; len(rest) > 0; {
		pair := rest
		if end := bytes.IndexByte(rest, '&'); end >= 0 {
			pair, rest = rest[:end], rest[end+1:]
		} else {
			rest = nil
		}
		end := bytes.IndexByte(pair, '=')
		if end < 0 {
			end = len(pair)
		}
		start := len(dst)
		if dst = unescape(dst, pair[:end]); string(dst[start:]) == name {
			return unescape(dst[:start], pair[min(end+1, len(pair)):]), true
		}
		dst = dst[:start]
	}
	return dst, false
}

// unescape appends a name or value of a query as it was meant. A broken escape
// stays what it is.
func unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(text) {
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high < 16 && low < 16 {
				c = high<<4 | low
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unhex is the value of a hexadecimal digit; 255: it is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// appendClaim writes a claim as text.
func appendClaim(dst []byte, value any) []byte {
	switch value := value.(type) {
	case string:
		return append(dst, value...)
	case json.Number:
		return append(dst, value...)
	case []any:
		for i, item := range value {
			if i > 0 {
				dst = append(dst, ',')
			}
			text, _ := claim.Text(item)
			dst = append(dst, text...)
		}
		return dst
	}
	text, _ := claim.Text(value)
	return append(dst, text...)
}
