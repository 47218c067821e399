package identify

import (
	"strings"

	"postern/gateway/claim"
	"postern/gateway/exchange"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// header is an upstream field that shows a claim.
type header struct {
	name   string
	claim  claim.Path
	reason string // what the log says when the claim cannot be shown
}

func newHeaders(cfg []config.ClaimHeader) []header {
	headers := make([]header, len(cfg))
	for i, h := range cfg {
		headers[i] = header{
			name:   h.Header,
			claim:  claim.Parse(h.Claim),
			reason: "claim " + h.Claim + " cannot be shown in a header and was left out",
		}
	}
	return headers
}

// set removes the caller's own copies of the field, in every spelling, and adds
// the claim if the token has it.
func (h *header) set(x *exchange.Exchange, claims map[string]any) {
	x.Head.Del(h.name)
	value, ok := h.claim.Find(claims)
	if !ok || value == nil {
		return
	}
	if list, ok := value.([]any); ok {
		h.setList(x, list)
		return
	}
	text, ok := claim.Text(value)
	switch {
	case !ok: // an object
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
