// Package message reads the body of a request or an answer whole, for policies
// that must look into it or change it; the bodies of all others stream. It is
// read once, however many policies ask, and then sent on as it came, byte for
// byte, unless one of them has replaced it.
//
// How a policy uses it:
//
//	m, err := bodies.Request(x) // before next(x); or bodies.Answer(x), after next(x) has returned nil
//	if err != nil {
//		return err // a problem, for the caller
//	}
//	found, err := expression.Any(m, func(value string) bool { return value == "acme" })
//
// Bodies is one for the whole gateway: what is held at once is bounded, each body
// by limits.buffered_body and all of them by limits.body_memory. Expressions are
// compiled at load: JSONPath, XPath or Regex.
//
// The path of a body: bodies.go reads it and hands it back to the exchange,
// room.go counts what is held, and cost.go what a document takes; message.go is what policies see of it.
//
// Looking into it: coding.go undoes content codings, charset.go makes UTF-8 of
// it; json.go and xml.go are what it holds. expression.go is what policies ask,
// with jsonpath.go, xpath.go, navigator.go and pattern.go, and rule.go is one with
// what it must find. All of it is bounded in size, depth and work, whatever a
// stranger sends.
//
// Changing it: spot.go says where values in JSON are to be changed, masking.go,
// with mask_json.go and mask_xml.go, hides what expressions find, and both leave
// the rest byte for byte; reading.go refuses what could be two texts. rewrite.go
// sends a text in the codings and the charset in which the body came.
//
// copy.go keeps the beginning of a body that passes, and holds nothing up.
//
// Why not xmlquery for XPath: its documents know neither where their text stood
// nor a bound, and it brings the tables of every charset. What is used is the
// engine below it, antchfx/xpath.
package message
