package variable

import (
	"postern/gateway/message"
	"postern/gateway/quote"
)

// body is one of an exchange, read; false: there is none that could be.
type body func(v *Values) (*message.Message, bool)

func request(v *Values) (*message.Message, bool) {
	if v.Bodies == nil {
		return nil, false
	}
	m, err := v.Bodies.Request(v.X)
	return m, err == nil
}

func answer(v *Values) (*message.Message, bool) {
	if v.Bodies == nil || v.X.Answer.Status == 0 {
		return nil, false
	}
	m, err := v.Bodies.Answer(v.X)
	return m, err == nil
}

// wholePayload is the text of a body; empty where it has none.
func wholePayload(of body) read {
	return func(dst []byte, v *Values) []byte {
		m, ok := of(v)
		if !ok {
			return dst
		}
		text, err := m.Text()
		if err != nil {
			return dst
		}
		return append(dst, text...)
	}
}

// inPayload is the first text that an expression finds in a body; empty where
// there is none.
func inPayload(of body, expression *message.Expression) read {
	return func(dst []byte, v *Values) []byte {
		m, ok := of(v)
		if !ok {
			return dst
		}
		text, found, err := expression.First(m)
		if err != nil || !found {
			return dst
		}
		return append(dst, text...)
	}
}

// wholeValue is a body that is JSON as it is, and any other as a string.
func wholeValue(of body) read {
	return func(dst []byte, v *Values) []byte {
		m, ok := of(v)
		if !ok {
			return append(dst, `""`...)
		}
		text, err := m.Text()
		if err != nil {
			return append(dst, `""`...)
		}
		if _, err := m.JSON(); err != nil {
			return quote.Append(dst, text)
		}
		return append(dst, text...)
	}
}

// valueInPayload is the first value that a JSONPath finds in a body, be it a list
// or an object; null where there is none.
func valueInPayload(of body, expression *message.Expression) read {
	return func(dst []byte, v *Values) []byte {
		if m, ok := of(v); ok {
			if value, found, err := expression.Value(m); err == nil && found {
				return append(dst, value...)
			}
		}
		return append(dst, "null"...)
	}
}
