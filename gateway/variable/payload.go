package variable

import "postern/gateway/message"

// answer is the upstream's, its body read; false: there is none that could be.
func answer(v *Values) (*message.Message, bool) {
	if v.Bodies == nil || v.X.Answer.Status == 0 {
		return nil, false
	}
	m, err := v.Bodies.Answer(v.X)
	return m, err == nil
}

// wholePayload is the text of the body; empty where it has none.
func wholePayload(dst []byte, v *Values) []byte {
	m, ok := answer(v)
	if !ok {
		return dst
	}
	text, err := m.Text()
	if err != nil {
		return dst
	}
	return append(dst, text...)
}

// inPayload is the first text that an expression finds in the body; empty where
// there is none.
func inPayload(expression *message.Expression) read {
	return func(dst []byte, v *Values) []byte {
		m, ok := answer(v)
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
