package identify

import (
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// header is an upstream field that shows a claim, or what is known of a caller
// otherwise.
type header struct {
	name   string
	claim  claim.Path
	word   func(*exchange.Caller) string // instead of a claim
	reason string                        // what the log says when it cannot be shown
}

// words are what caller_headers show.
var words = map[string]func(*exchange.Caller) string{
	"subject":          func(c *exchange.Caller) string { return c.Subject },
	"issuer":           func(c *exchange.Caller) string { return c.Issuer },
	"application.name": func(c *exchange.Caller) string { return c.Application.Name },
	"application.id":   func(c *exchange.Caller) string { return c.Application.ID },
}

func newHeaders(cfg *config.Identify) []header {
	var headers []header
	for _, h := range cfg.ClaimHeaders {
		headers = append(headers, header{
			name:   h.Header,
			claim:  claim.Parse(h.Claim),
			reason: "claim " + h.Claim + " cannot be shown in a header and was left out",
		})
	}
	for _, h := range cfg.CallerHeaders {
		headers = append(headers, header{
			name:   h.Header,
			word:   words[h.Claim],
			reason: h.Claim + " cannot be shown in a header and was left out",
		})
	}
	return headers
}

// set removes the caller's own copies of the field, in every spelling, and adds
// what it shows, if that is known.
func (h *header) set(x *exchange.Exchange) {
	x.Head.Del(h.name)
	if h.word != nil {
		h.setText(x, h.word(&x.Caller))
		return
	}
	value, ok := h.claim.Find(x.Caller.Claims)
	if !ok || value == nil {
		return
	}
	if list, ok := value.([]any); ok {
		h.setList(x, list)
		return
	}
	if text, ok := claim.Text(value); ok { // not an object
		h.setText(x, text)
	}
}

func (h *header) setText(x *exchange.Exchange, text string) {
	switch {
	case !showable(text):
		x.Reason = h.reason
	case text != "":
		x.Head.Add(h.name, text)
	}
}

// setList joins the items that have a text. An item with a comma would read as
// two items, so then nothing is shown.
func (h *header) setList(x *exchange.Exchange, list []any) {
	var buffer [256]byte
	joined := buffer[:0]
	for _, item := range list {
		text, ok := claim.Text(item)
		if !ok || text == "" {
			continue
		}
		if !showable(text) || strings.IndexByte(text, ',') >= 0 {
			x.Reason = h.reason
			return
		}
		if len(joined) > 0 {
			joined = append(joined, ',')
		}
		joined = append(joined, text...)
	}
	if len(joined) > 0 {
		x.Head.SetBytes(h.name, joined)
	}
}

// showable reports whether text means the same in a field value: no control
// characters, and no white space at its ends, which recipients remove.
func showable(text string) bool {
	return wire.Valid(text) && strings.Trim(text, " \t") == text
}
