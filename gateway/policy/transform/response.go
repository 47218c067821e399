package transform

import (
	"bytes"

	"postern/gateway/exchange"
	"postern/gateway/problem"
	"postern/gateway/variable"
)

// responseStep is a change of an upstream's answer.
type responseStep struct {
	when    when
	status  int                // 0: as it is
	reason  *variable.Template // nil: as it is, or the status's own
	headers changes
	body    *body
}

func (s *responseStep) apply(w *work) error {
	if holds, err := s.when.holds(w); err != nil || !holds {
		return err
	}
	a := &w.x.Answer
	if err := s.headers.change(w, &a.Head, problem.AnswerUnreadable); err != nil {
		return err
	}
	if s.body != nil && a.Status != partial && s.body.concerns(&a.Head) {
		m, err := w.site.Bodies.Answer(w.x)
		if err != nil {
			return err
		}
		if err := s.body.change(w, m, &a.Head); err != nil {
			return err
		}
	}
	s.headers.drop(&a.Head)
	return s.changeStatus(w)
}

// partial is an answer that has a part of something, which nobody can change.
const partial = 206

func (s *responseStep) changeStatus(w *work) error {
	a := &w.x.Answer
	var reason []byte
	if s.reason != nil {
		value, err := w.inHead(s.reason, problem.AnswerUnreadable)
		if err != nil {
			return err
		}
		reason = bytes.Clone(value)
	}
	if s.status != 0 && s.status != a.Status {
		frame(a, s.status, w.x.HTTP.IsHead())
		a.Status, a.Reason = s.status, nil
	}
	if s.reason != nil {
		a.Reason = reason
	}
	return nil
}

// frame makes the body of an answer what one of another status can have (RFC 9112
// 6.3).
func frame(a *exchange.Answer, status int, head bool) {
	switch {
	case status == 204 || status == 205 || status == 304:
		dropBody(a)
		if a.Length = -1; status == 205 {
			a.Length = 0
		}
	case a.Body == nil && !head:
		a.Length = 0 // 204 and 304 had none, and a caller waits for one now
		a.Head.Del("ETag")
	}
}

// dropBody lets go of a body that is not sent. What has not arrived of it ends the
// connection with the upstream.
func dropBody(a *exchange.Answer) {
	if a.Body == nil {
		return
	}
	if release := a.Release; !a.Body.Discard() && release != nil {
		a.Release = func(bool) { release(false) }
	}
	a.Body = nil
}
