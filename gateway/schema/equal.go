package schema

import (
	"encoding/json"
	"slices"
	"strconv"
)

// appendKey writes v so that equal values are written alike, and others are not:
// 1 and 1.0 are the same number, and members have no order.
func (c *Check) appendKey(b []byte, v any) []byte {
	if !c.spend(1) {
		return b
	}
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		c.spend(len(v) / 256)
		return appendText(append(b, 's'), v)
	case json.Number:
		return appendNumber(b, v)
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b = c.appendKey(b, item)
		}
		return append(b, ']')
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		b = append(b, '{')
		for _, name := range names {
			b = c.appendKey(appendText(b, name), v[name])
		}
		return append(b, '}')
	}
	return b
}

// appendText writes a text after its length, so that none runs into the next.
func appendText(b []byte, text string) []byte {
	b = strconv.AppendInt(b, int64(len(text)), 10)
	return append(append(b, ':'), text...)
}

// appendNumber writes a number that cannot be compared as it is.
func appendNumber(b []byte, v json.Number) []byte {
	d, ok := parseDecimal(string(v))
	if !ok {
		return appendText(append(b, '?'), string(v))
	}
	b = append(b, 'd')
	if d.negative {
		b = append(b, '-')
	}
	b = append(append(b, d.digits...), 'e')
	return append(strconv.AppendInt(b, d.exponent, 10), ';')
}
