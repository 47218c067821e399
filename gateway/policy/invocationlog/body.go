package invocationlog

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"postern/gateway/event"
	"postern/gateway/message"
	"postern/provisioning/config"
)

// appendBody appends a body, or its beginning: as text where it is one, else in
// base64, and what it is then.
func (r *record) appendBody(b []byte, p payload, cfg *config.InvocationLog) []byte {
	if p.copy == nil {
		return b
	}
	key, c := p.key, p.copy
	text, coding, cut := r.text(p)
	if most := cfg.MaxBody.Limit(); int64(len(text)) > most {
		text, cut = text[:most], true
	}
	if isForm(c.Type()) {
		if text = r.maskForm(text); coding != "" {
			text, coding = []byte(hidden), "" // what is in it cannot be known
		}
	}
	text = r.secrets.without(text)
	if cut && coding == "" {
		text = whole(text)
	}
	switch {
	case cfg.Compress && coding == "":
		b = encoded(b, key, zip(text), "gzip+base64")
	case coding != "":
		b = encoded(b, key, text, coding+"+base64")
	case !utf8.Valid(text):
		b = encoded(b, key, text, "base64")
	default:
		b = event.Text(b, key, text)
	}
	if cut {
		b = event.True(b, key+"Truncated")
	}
	return b
}

// payload is a body that is stored.
type payload struct {
	key    string
	copy   *message.Copy // nil: there is none
	status int           // of the answer whose it is; 0: of a request
	own    bool          // the gateway has written it
}

// text is that of a body, without what is hidden.
func (r *record) text(p payload) (text []byte, coding string, cut bool) {
	hide := r.log.site.Hide(p.status)
	if hide == nil || p.own {
		return p.copy.Text()
	}
	text, ok := hide(r.scratch.hidden[:0], p.copy)
	if r.scratch.hidden = text; !ok {
		return []byte(hidden), "", false
	}
	return text, "", false
}

// maskForm is a form without the values of parameters that are secret.
func (r *record) maskForm(text []byte) []byte {
	r.scratch.body = r.log.site.Mask(r.scratch.body[:0], text, &r.scratch.escaped)
	return r.scratch.body
}

// whole is text without a character that was cut in two at its end.
func whole(text []byte) []byte {
	for i := range min(utf8.UTFMax, len(text)) {
		at := len(text) - 1 - i
		if c := text[at]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[at:]) {
				return text[:at]
			}
			break
		}
	}
	return text
}

func encoded(b []byte, key string, data []byte, as string) []byte {
	b = append(append(append(b, ',', '"'), key...), `":"`...)
	b = append(base64.StdEncoding.AppendEncode(b, data), '"')
	return event.Text(b, key+"Encoding", as)
}

// zip compresses text.
func zip(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return out.Bytes()
}
