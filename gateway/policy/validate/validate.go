// Package validate lets messages pass that are as their API's definition has
// them, and tells of the others all that is wrong.
package validate

import (
	"strings"
	"unsafe"

	"postern/gateway/definition"
	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/gateway/schema"
	"postern/provisioning/config"
)

// Rules are what one level says, and what that needs.
type Rules struct {
	*config.Validation
	Definition *definition.Definition // nil: none is needed
	Bodies     *message.Bodies
}

// validator is the policy at one level.
type validator struct {
	definition *definition.Definition
	bodies     *message.Bodies
	pass       bool // requests that the definition knows nothing of
	request    config.RequestValidation
	answer     *config.ResponseValidation // nil: answers are not looked at
	counts     counts
}

// New builds the policy.
func New(r Rules, m *metrics.Instruments) exchange.Policy {
	v := &validator{definition: r.Definition, bodies: r.Bodies, pass: r.Undefined == "pass", answer: r.Response}
	if r.Request != nil {
		v.request = *r.Request
	}
	v.counts = newCounts(m)
	return func(next exchange.Handler) exchange.Handler {
		return func(x *exchange.Exchange) error { return v.serve(x, next) }
	}
}

func (v *validator) serve(x *exchange.Exchange, next exchange.Handler) error {
	o, err := v.checkRequest(x)
	if err != nil {
		return err
	}
	if err := next(x); err != nil || v.answer == nil {
		return err
	}
	return v.checkAnswer(x, o)
}

// find is the operation that a request is for; without one it is a problem,
// unless that is good.
func (v *validator) find(x *exchange.Exchange, found *definition.Found) error {
	allow := v.definition.FindInto(found, borrowed(x.HTTP.Method()), borrowed(x.Rest))
	if found.Operation != nil || v.pass {
		return nil
	}
	if allow == nil {
		return problem.NotFound.Because(errUndefined)
	}
	p := problem.MethodNotAllowed.Because(errUndefined)
	p.Allow = strings.Join(allow, ", ")
	return p
}

// borrowed is b as a string, while nobody changes it.
func borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// checkRequest is the operation that a request is for, if there is one. The
// problem lists what is wrong with it.
func (v *validator) checkRequest(x *exchange.Exchange) (*definition.Operation, error) {
	f := begin(schema.Request)
	defer f.end()
	if v.definition != nil {
		if err := v.find(x, &f.found); err != nil {
			return nil, err
		}
	}
	o := f.found.Operation
	if conditions := v.request.RequiredHeaders; conditions != nil {
		f.in(header, func() { checkConditions(&f.check, conditions, x.Head.Visit) })
	}
	kind := problem.RequestInvalid
	if o != nil {
		v.checkParameters(x, f)
		var err error
		if kind, err = v.checkRequestBody(x, o, f); err != nil {
			return nil, err
		}
	}
	return o, f.problem(kind, &v.counts.request)
}

func (v *validator) checkParameters(x *exchange.Exchange, f *findings) {
	q, found := &v.request, &f.found
	if q.Path {
		f.in(path, func() { found.CheckPath(&f.check) })
	}
	if q.Query {
		f.in(query, func() { found.CheckQuery(&f.check, x.Query, q.UnknownQuery != "refuse") })
	}
	if q.Headers {
		f.in(header, func() { found.CheckHeaders(&f.check, x.Head.Visit) })
	}
	if q.Cookies {
		f.in(cookie, func() { found.CheckCookies(&f.check, x.Head.Visit) })
	}
}

// checkRequestBody looks at a request's body, and says which problem its faults
// are.
func (v *validator) checkRequestBody(x *exchange.Exchange, o *definition.Operation, f *findings) (*problem.Problem, error) {
	body := o.Body()
	if x.Body == nil {
		if v.request.Schema && body != nil && body.Required {
			f.in(inBody, func() { f.check.Add("", "is missing") })
		}
		return problem.RequestInvalid, nil
	}
	var content definition.Content
	if body != nil {
		content = body.Content
	}
	m, listed := content.Find(contentType(x.Head.Visit))
	if !listed && v.request.ContentTypes {
		f.in(header, func() { f.check.Add("/Content-Type", "is not among those of the definition") })
		return problem.UnsupportedMediaType, nil
	}
	if !v.request.Schema || body == nil {
		return problem.RequestInvalid, nil
	}
	read := func() (*message.Message, error) { return v.bodies.Request(x) }
	err := f.body(m, listed, part{contentType(x.Head.Visit), content, body.Required}, read)
	return problem.RequestInvalid, err
}

// checkAnswer returns a problem that lists what is wrong with an answer.
func (v *validator) checkAnswer(x *exchange.Exchange, o *definition.Operation) error {
	a := &x.Answer
	if a.Status < 200 {
		return nil // the gateway's own, or a switch to another protocol
	}
	f := begin(schema.Answer)
	defer f.end()
	if v.answer.RequiredHeaders != nil {
		f.in(header, func() { checkConditions(&f.check, v.answer.RequiredHeaders, a.Head.Visit) })
	}
	if o == nil {
		return f.problem(problem.AnswerInvalid, &v.counts.answer)
	}
	said := o.Answer(a.Status)
	if said == nil {
		if v.answer.Statuses {
			f.in(status, func() { f.check.Add("", "is not among those of the definition") })
		}
		return f.problem(problem.AnswerInvalid, &v.counts.answer)
	}
	if v.answer.Headers {
		f.in(header, func() { said.CheckHeaders(&f.check, a.Head.Visit) })
	}
	if err := v.checkAnswerBody(x, said, f); err != nil {
		return err
	}
	return f.problem(problem.AnswerInvalid, &v.counts.answer)
}

// checkAnswerBody looks at an answer's body, unless there can be none.
func (v *validator) checkAnswerBody(x *exchange.Exchange, said *definition.Answer, f *findings) error {
	a := &x.Answer
	if x.HTTP.IsHead() || a.Status == 204 || a.Status == 205 || a.Status == 304 {
		return nil
	}
	if a.Body == nil || a.Body.Done() {
		if v.answer.Schema && !said.Content.IsEmpty() {
			f.in(inBody, func() { f.check.Add("", "is missing") })
		}
		return nil
	}
	m, listed := said.Content.Find(contentType(a.Head.Visit))
	if !listed && v.answer.ContentTypes {
		f.in(header, func() { f.check.Add("/Content-Type", "is not among those of the definition") })
		return nil
	}
	if !v.answer.Schema || said.Content.IsEmpty() {
		return nil
	}
	read := func() (*message.Message, error) { return v.bodies.Answer(x) }
	return f.body(m, listed, part{contentType(a.Head.Visit), said.Content, true}, read)
}

// contentType is the one of a message; nil when there is none, or several, which
// others could take for the body's.
func contentType(fields definition.Headers) (found []byte) {
	n := 0
	fields(func(name, value []byte) {
		if strings.EqualFold(string(name), "Content-Type") {
			n++
			found = value
		}
	})
	if n != 1 {
		return nil
	}
	return found
}
