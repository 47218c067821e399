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
// mind the type either.
func (r *rules) form(kind, text []byte) (as message.Form, ok bool) {
	switch variable.KindOf(string(kind)) {
	case variable.JSON:
		return message.AsJSON, r.json || r.text
	case variable.XML:
		return message.AsXML, r.xml || r.text
	}
	begins := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case r.json && len(begins) > 0 && (begins[0] == '{' || begins[0] == '['):
		return message.AsJSON, true
	case r.xml && len(begins) > 0 && begins[0] == '<':
		return message.AsXML, true
	}
	return message.AsText, r.text
}

// mediaType is the one of a Content-Type, in small letters.
func mediaType(kind []byte) string {
	name, _, _ := strings.Cut(string(kind), ";")
	return strings.ToLower(strings.TrimSpace(name))
}
