// Package transform changes requests before they are forwarded, and the answers
// to them: fields, query, path, method, status and bodies, as their steps say.
package transform

import (
	"sync"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// Site is what a gateway has for it.
type Site struct {
	Bodies *message.Bodies
	// Secrets are fields and parameters that no answer shows, in any case.
	Secrets []string
	// HeaderSize bounds what becomes of one text in a head, in bytes.
	HeaderSize int
	// EncodedSlash says that %2F may stand in paths.
	EncodedSlash bool
}

// transform is one section at work. It is immutable but for its pool.
type transform struct {
	site     Site
	request  []requestStep
	response []responseStep
	recalls  bool // an answer's text names the body of the request
	whole    bool // bodies of answers are changed, which no part of one could be
	works    sync.Pool
}

// New builds the policy. The error is config.Faults with paths relative to cfg.
func New(cfg *config.Transform, site Site) (exchange.Policy, error) {
	t := &transform{site: site}
	t.works.New = func() any { return &work{values: variable.Values{Bodies: site.Bodies}} }
	b := &builder{site: site}
	for i := range cfg.Request {
		t.request = append(t.request, b.requestStep(&cfg.Request[i], i))
	}
	b.answers = true
	for i := range cfg.Response {
		t.response = append(t.response, b.responseStep(&cfg.Response[i], i))
		t.whole = t.whole || cfg.Response[i].Body != nil
	}
	t.recalls = b.recalls
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	return t.policy, nil
}

func (t *transform) policy(next exchange.Handler) exchange.Handler {
	return func(x *exchange.Exchange) error {
		if err := t.changeRequest(x); err != nil {
			return err
		}
		if t.whole {
			x.Head.Del("Range")
			x.Head.Del("If-Range")
		}
		err := next(x)
		if err != nil || len(t.response) == 0 || x.Answer.Status == 0 || x.Answer.Tunnel != nil {
			return err
		}
		return t.changeAnswer(x)
	}
}

func (t *transform) changeRequest(x *exchange.Exchange) error {
	if t.recalls {
		if err := readable(t.site.Bodies.Request(x)); err != nil {
			return err
		}
	}
	if len(t.request) == 0 {
		return nil
	}
	w := t.begin(x)
	defer t.end(w)
	for i := range t.request {
		if err := t.request[i].apply(w); err != nil {
			return err
		}
	}
	return nil
}

func (t *transform) changeAnswer(x *exchange.Exchange) error {
	w := t.begin(x)
	defer t.end(w)
	for i := range t.response {
		if err := t.response[i].apply(w); err != nil {
			return err
		}
	}
	return nil
}

// work is what one exchange needs while it is changed.
type work struct {
	*transform
	x      *exchange.Exchange
	values variable.Values
	buffer []byte
}

func (t *transform) begin(x *exchange.Exchange) *work {
	w := t.works.Get().(*work)
	w.transform, w.x, w.values.X = t, x, x
	return w
}

// maxKept bounds the buffers that are kept for other exchanges.
const maxKept = 64 << 10

func (t *transform) end(w *work) {
	w.x, w.values.X = nil, nil
	if cap(w.buffer) > maxKept {
		w.buffer = nil
	}
	t.works.Put(w)
}

// write appends what becomes of a text to dst; no more than most bytes of it come
// of variables, else fits is false. The error is a *problem.Problem: a body that it
// names cannot be read.
func (w *work) write(dst []byte, text *variable.Template, most int) (out []byte, fits bool, err error) {
	if text.ReadsRequest() {
		if err := readable(w.site.Bodies.Request(w.x)); err != nil {
			return dst, false, err
		}
	}
	if text.ReadsAnswer() {
		if err := readable(w.site.Bodies.Answer(w.x)); err != nil {
			return dst, false, err
		}
	}
	v := &w.values
	v.Most, v.Cut = most, false
	out = text.Append(dst, v)
	return out, !v.Cut, nil
}

// inHead is what becomes of a text in a head, until the next call. tooLong is the
// problem of one that is longer than a head may be.
func (w *work) inHead(text *variable.Template, tooLong *problem.Problem) ([]byte, error) {
	value, fits, err := w.write(w.buffer[:0], text, w.site.HeaderSize)
	w.buffer = value
	if err == nil && !fits {
		err = tooLong.Because(errTooLong)
	}
	return value, err
}

// readable makes sure that a body that was read has a text.
func readable(m *message.Message, err error) error {
	if err == nil {
		_, err = m.Text()
	}
	return err
}
