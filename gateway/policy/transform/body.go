package transform

import (
	"bytes"
	"errors"
	"strings"

	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/quote"
	"postern/gateway/variable"
	"postern/gateway/wire"
)

// body is a change of one: text stands for all of it, or edits change JSON.
type body struct {
	contentType string
	text        *variable.Template
	edits       []edit
}

// edit sets a value in JSON, or removes it.
type edit struct {
	spot   *message.Spot
	value  *variable.Template // nil: it is removed
	isText bool               // value is a string
}

// concerns reports whether there is something to change in a body of such a head.
// Of several types, any may be the one that its reader goes by.
func (b *body) concerns(head *wire.Head) bool {
	found := b.text != nil
	head.Visit(func(name, value []byte) {
		found = found || strings.EqualFold(string(name), "Content-Type") && variable.KindOf(string(value)) == variable.JSON
	})
	return found
}

func (b *body) change(w *work, m *message.Message, head *wire.Head) error {
	if m.None() {
		if w.x.HTTP.IsHead() || w.x.Answer.Status == 304 {
			m.Disclaim()
		}
		return nil
	}
	if b.text != nil {
		return b.rewrite(w, m, head)
	}
	if len(m.Raw()) == 0 {
		return nil
	}
	return b.edit(w, m)
}

func (b *body) rewrite(w *work, m *message.Message, head *wire.Head) error {
	limit := int(m.Limit())
	text, fits, err := w.write(nil, b.text, limit)
	switch {
	case err != nil:
		return err
	case !fits || len(text) > limit:
		return w.tooLong()
	}
	if err := m.Replace(text); err != nil {
		return err
	}
	head.Set("Content-Type", b.contentType)
	return nil
}

// edit changes the body's own text, so that all else of it stays as it was.
func (b *body) edit(w *work, m *message.Message) error {
	if _, err := m.JSON(); err != nil {
		return b.refuse(w, err)
	}
	text, err := m.Text()
	if err != nil {
		return err
	}
	changed := text
	for i := range b.edits {
		if changed, err = b.edits[i].apply(w, changed, m.Limit()); err != nil {
			return b.refuse(w, err)
		}
	}
	if bytes.Equal(changed, text) {
		return nil
	}
	return m.Replace(changed)
}

func (e *edit) apply(w *work, text []byte, limit int64) ([]byte, error) {
	if e.value == nil {
		return e.spot.Remove(text, limit)
	}
	value, fits, err := w.write(nil, e.value, int(limit))
	switch {
	case err != nil:
		return nil, err
	case !fits:
		return nil, message.ErrTooMuch
	case e.isText:
		value = quote.Append(nil, value)
	}
	return e.spot.Set(text, value, limit)
}

// refuse is what is told of a body that is not what it says, or too much.
func (b *body) refuse(w *work, err error) error {
	var told *problem.Problem
	switch {
	case errors.As(err, &told):
		return err
	case w.x.Answer.Status != 0:
		return problem.AnswerUnreadable.Because(err)
	case errors.Is(err, message.ErrTooMuch):
		return problem.ContentTooLarge.Because(err)
	}
	p := problem.BadRequest.Because(err)
	p.Detail = errJSON.Error()
	return p
}
