package mask

import (
	"bytes"
	"strings"

	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// rules are those for the bodies of one side.
type rules struct {
	list            []*message.Masking
	json, xml, text bool // for bodies of these forms; text is for all
	count           *metrics.Counter
}

func compile(list []config.MaskRule, count *metrics.Counter) (*rules, error) {
	r := &rules{count: count}
	var faults config.Faults
	for i := range list {
		k, err := message.NewMasking(&list[i])
		if err != nil {
			faults = append(faults, config.Below(err, i)...)
			continue
		}
		r.add(k)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return r, nil
}

func (r *rules) add(k *message.Masking) {
	r.list = append(r.list, k)
	r.json = r.json || k.LooksInto(message.AsJSON)
	r.xml = r.xml || k.LooksInto(message.AsXML)
	r.text = r.text || k.LooksInto(message.AsText)
}

// apply masks a body. The error is a *problem.Problem, of message, or errType; then
// the body must not be sent.
func (r *rules) apply(m *message.Message) error {
	text, values, err := r.mask(m)
	if err != nil || values == 0 {
		return err
	}
	return m.Rewrite(text)
}

// mask is what becomes of a body, and how many values are hidden in it.
func (r *rules) mask(m *message.Message) (text []byte, values int, err error) {
	if text, err = m.Text(); err != nil || len(text) == 0 {
		return text, 0, err
	}
	as, ok := r.form(m.Type(), text)
	if !ok {
		return nil, 0, errType
	}
	if text, values, err = m.Mask(r.list, as); err != nil {
		return nil, 0, err
	}
	r.count.Add(values)
	return text, values, nil
}

// form is what a text of a media type is looked into as; ok is false where no rule
// is for that. What a type does not tell, the text does: whoever reads it may not
// mind the type either. So one that begins as what there are rules for is not taken
// for anything else.
func (r *rules) form(kind, text []byte) (as message.Form, ok bool) {
	begins := first(text)
	json, xml := r.json && (begins == '{' || begins == '['), r.xml && begins == '<'
	switch variable.KindOf(string(kind)) {
	case variable.JSON:
		return message.AsJSON, r.json || r.text && !xml
	case variable.XML:
		return message.AsXML, r.xml || r.text && !json
	}
	switch {
	case json:
		return message.AsJSON, true
	case xml:
		return message.AsXML, true
	}
	return message.AsText, r.text
}

// first is a text's first byte that is no space, mark, or half of a character in
// UTF-16; 0: none.
func first(text []byte) byte {
	if text = bytes.TrimLeft(text, " \t\r\n\x00\ufeff"); len(text) > 0 {
		return text[0]
	}
	return 0
}

// mediaType is the one of a Content-Type, in small letters.
func mediaType(kind []byte) string {
	name, _, _ := strings.Cut(string(kind), ";")
	return strings.ToLower(strings.TrimSpace(name))
}
