package throttle

import (
	"strconv"
	"time"

	"postern/gateway/exchange"
	"postern/gateway/quota"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// The fields of draft-ietf-httpapi-ratelimit-headers: lists of structured fields
// (RFC 9651), with an item for each limit that counts the request.
const (
	policyField = "RateLimit-Policy"
	stateField  = "RateLimit"
)

// announce tells the caller how much there is and how much is left.
func (a *allowance) announce(x *exchange.Exchange, d *quota.Decision) {
	var buffer [128]byte
	state := append(buffer[:0], a.name...)
	state = strconv.AppendInt(append(state, ";r="...), d.Remaining, 10)
	state = strconv.AppendInt(append(state, ";t="...), wholeSeconds(d.Reset), 10)
	list(&x.Fields, policyField, a.policy)
	list(&x.Fields, stateField, state)
}

// appendPolicy writes the item of RateLimit-Policy. A calendar month has no
// length, so none is said.
func (a *allowance) appendPolicy(b []byte) []byte {
	b = strconv.AppendInt(append(append(b, a.name...), ";q="...), a.rule.Requests, 10)
	window := a.rule.Per.Span
	if a.rule.Per.Calendar == config.CalendarWeek {
		window = time.Duration(a.rule.Per.Count) * 7 * 24 * time.Hour
	}
	if window > 0 {
		b = strconv.AppendInt(append(b, ";w="...), wholeSeconds(window), 10)
	}
	return b
}

// list appends an item to a field that is a list.
func list(h *wire.Head, name string, item []byte) {
	if h.Get(name) == nil {
		h.SetBytes(name, item)
		return
	}
	h.Edit(name, func(dst, value []byte) []byte {
		return append(append(append(dst, value...), ", "...), item...)
	})
}

// appendString writes a text as a string of structured fields. Validate has seen
// that it is printable ASCII.
func appendString(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return append(b, '"')
}

// wholeSeconds rounds up: who comes back too early is refused again.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
