package faults

import (
	"bytes"
	"strconv"
	"strings"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/problem"
	"postern/gateway/variable"
	"postern/provisioning/config"
)

// rule words the answer to some failures.
type rule struct {
	status  []span // one of these; empty: any
	headers []field
	payload []*message.Rule
	answer  *answer
}

// span is a status, or all from one to another.
type span struct{ from, to int }

// field is a comparison with a field of the request.
type field struct {
	name             []byte
	equals, contains []byte // in small letters; nil: not compared
}

func (r *rule) fits(x *exchange.Exchange, p *problem.Problem) bool {
	if !r.fitsStatus(p.Status) {
		return false
	}
	for i := range r.headers {
		if !r.headers[i].fits(x) {
			return false
		}
	}
	return true
}

// finds reports whether the body of the upstream's answer holds what it must. One
// that is not there, or cannot be read, does not.
func (r *rule) finds(bodies *message.Bodies, x *exchange.Exchange) bool {
	if len(r.payload) == 0 {
		return true
	}
	if x.Answer.Status == 0 {
		return false
	}
	m, err := bodies.Answer(x)
	if err != nil {
		return false
	}
	for _, p := range r.payload {
		if fits, err := p.Fits(m); err != nil || !fits {
			return false
		}
	}
	return true
}

func (r *rule) fitsStatus(status int) bool {
	for _, s := range r.status {
		if s.from <= status && status <= s.to {
			return true
		}
	}
	return len(r.status) == 0
}

// fits reports whether one of the lines of that name fits.
func (f *field) fits(x *exchange.Exchange) bool {
	found := false
	x.Head.Visit(func(name, value []byte) {
		if !found && bytes.EqualFold(name, f.name) {
			found = f.compare(value)
		}
	})
	return found
}

func (f *field) compare(value []byte) bool {
	switch {
	case f.equals != nil:
		return bytes.EqualFold(value, f.equals)
	case f.contains != nil:
		return bytes.Contains(bytes.ToLower(value), f.contains)
	}
	return true
}

// builder compiles a section, and collects what is wrong in it.
type builder struct {
	secrets []string
	faults  config.Faults
}

func (b *builder) rule(cfg *config.FaultRule, path ...any) rule {
	r := rule{answer: b.answer(&cfg.Answer, append(path[:len(path):len(path)], "answer")...)}
	for _, status := range cfg.When.Status {
		r.status = append(r.status, spanOf(status))
	}
	for _, h := range cfg.When.Headers {
		f := field{name: []byte(h.Name)}
		if h.Equals != "" {
			f.equals = []byte(h.Equals)
		}
		if h.Contains != "" {
			f.contains = bytes.ToLower([]byte(h.Contains))
		}
		r.headers = append(r.headers, f)
	}
	for i := range cfg.When.Payload {
		found, err := message.NewRule(&cfg.When.Payload[i])
		if err != nil {
			b.faults = append(b.faults, config.Below(err, append(path[:len(path):len(path)], "when", "payload", i)...)...)
		}
		r.payload = append(r.payload, found)
	}
	return r
}

// spanOf reads a status or a class of them. Validate has seen that it is one.
func spanOf(status string) span {
	if class, ok := strings.CutSuffix(status, "xx"); ok {
		n, _ := strconv.Atoi(class)
		return span{100 * n, 100*n + 99}
	}
	n, _ := strconv.Atoi(status)
	return span{n, n}
}

func (b *builder) answer(cfg *config.FaultAnswer, path ...any) *answer {
	a := &answer{status: cfg.Status}
	a.forms = append(a.forms, b.form(config.FaultMessage{ContentType: cfg.ContentType, Body: cfg.Body}, append(path, "body")...))
	for i, m := range cfg.Also {
		a.forms = append(a.forms, b.form(m, append(path[:len(path):len(path)], "also", i, "body")...))
	}
	return a
}

func (b *builder) form(cfg config.FaultMessage, path ...any) form {
	contentType := config.MediaType(cfg.ContentType)
	m := form{contentType: contentType, media: mediaOf(contentType), ours: cfg == vendorAnswer}
	text, err := variable.Parse(cfg.Body, variable.Place{Kind: variable.KindOf(m.media), Problem: true, Secrets: b.secrets})
	if err != nil {
		b.faults = append(b.faults, config.Below(err, path...)...)
	}
	m.text = text
	return m
}

// mediaOf is a media type without its parameters, in small letters.
func mediaOf(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}
