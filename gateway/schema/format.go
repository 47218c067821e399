package schema

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// formats are those of strings that are asserted; others are notes for people.
var formats = map[string]func(string) bool{
	"date-time":     isDateTime,
	"date":          func(s string) bool { return isTime(time.DateOnly, s) },
	"time":          func(s string) bool { return isDateTime("2000-01-01T" + s) },
	"email":         isEmail,
	"hostname":      isHostname,
	"ipv4":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() },
	"ipv6":          func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" },
	"uri":           func(s string) bool { u, ok := reference(s); return ok && u.IsAbs() },
	"uri-reference": func(s string) bool { _, ok := reference(s); return ok },
	"uuid":          isUUID,
	"json-pointer":  isPointer,
	"byte":          isBase64,
}

// numberFormats are those of numbers.
var numberFormats = map[string]bool{"int32": true, "int64": true, "float": true, "double": true}

// knownFormat is the format, if it is asserted.
func knownFormat(name string) string {
	if formats[name] == nil && !numberFormats[name] {
		return ""
	}
	return name
}

// hasFormat reports whether a string has a format; those of numbers say nothing
// about strings.
func hasFormat(name, s string) bool {
	is := formats[name]
	return is == nil || is(s)
}

func (c *Check) numberFormat(name string, v json.Number) bool {
	if !numberFormats[name] {
		return true
	}
	n, ok := parseDecimal(string(v))
	if ok {
		switch name {
		case "int32":
			ok = n.fits(math.MinInt32, math.MaxInt32)
		case "int64":
			ok = n.fits(math.MinInt64, math.MaxInt64)
		case "float", "double":
			f, err := v.Float64()
			ok = err == nil && (name == "double" || math.Abs(f) <= math.MaxFloat32)
		}
	}
	return ok || c.fault("must be a number of the format "+name)
}

// fits reports whether d is an integer between two.
func (d decimal) fits(least, most int64) bool {
	low, _ := parseDecimal(strconv.FormatInt(least, 10))
	high, _ := parseDecimal(strconv.FormatInt(most, 10))
	return d.whole() && d.compare(low) >= 0 && d.compare(high) <= 0
}

func isTime(layout, s string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

// isDateTime is RFC 3339, 5.6, whose letters may be small and whose seconds may
// be leap ones at the end of a day in UTC.
func isDateTime(s string) bool {
	s = strings.ToUpper(s)
	if strings.Contains(s, ",") || len(s) < 20 || s[10] != 'T' {
		return false // Parse takes a comma
	}
	if s[17:19] != "60" {
		return isTime(time.RFC3339, s)
	}
	t, err := time.Parse(time.RFC3339, s[:17]+"59"+s[19:])
	if err != nil {
		return false
	}
	t = t.UTC()
	return t.Hour() == 23 && t.Minute() == 59
}

func isEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if address, literal := strings.CutPrefix(domain, "["); literal {
		address = strings.TrimPrefix(strings.TrimSuffix(address, "]"), "IPv6:")
		_, err := netip.ParseAddr(address)
		return err == nil && strings.HasSuffix(domain, "]")
	}
	if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
		return isHostname(domain)
	}
	for part := range strings.SplitSeq(local, ".") {
		if part == "" || strings.ContainsAny(part, "\"(),:;<>@[]\\") || strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return false
		}
	}
	return isHostname(domain)
}

// isHostname is RFC 1123, 2.1.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isLetter(c) && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// reference reads a URI or a relative one (RFC 3986).
func reference(s string) (*url.URL, bool) {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return nil, false
		}
	}
	u, err := url.Parse(s)
	return u, err == nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && strings.IndexByte("0123456789abcdefABCDEF", s[i]) < 0 {
			return false
		}
	}
	return true
}

// isPointer is RFC 6901.
func isPointer(s string) bool {
	rest := strings.NewReplacer("~0", "", "~1", "").Replace(s)
	return (s == "" || s[0] == '/') && !strings.Contains(rest, "~")
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil
}
