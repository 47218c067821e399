package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/gateway/definition"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/problem"
	"postern/gateway/schema"
)

// place is the part of a message that something is wrong with.
type place uint8

const (
	inBody place = iota
	query
	path
	header
	cookie
	status
	places
)

// placeNames are the parts as callers and metrics know them.
var placeNames = [places]string{"body", "query", "path", "header", "cookie", "status"}

// counts are the faults by their places.
type counts struct{ request, answer [places]*metrics.Counter }

func newCounts(m *metrics.Instruments) (c counts) {
	for i, name := range placeNames {
		c.request[i], c.answer[i] = m.Validation("request", name), m.Validation("response", name)
	}
	return c
}

var errUndefined = errors.New("the API's definition has no such operation")

// findings are what is wrong with a message.
type findings struct {
	check  schema.Check
	places []place // of the faults
	found  definition.Found
}

var pool = sync.Pool{New: func() any { return new(findings) }}

// begin looks for what is wrong with another message.
func begin(direction schema.Direction) *findings {
	f, _ := pool.Get().(*findings)
	f.check.Reset(direction)
	f.places = f.places[:0]
	return f
}

// end keeps f for other messages.
func (f *findings) end() {
	f.found.Forget()
	pool.Put(f)
}

// in notes the faults that f finds as those of a place.
func (f *findings) in(p place, find func()) {
	find()
	for len(f.places) < len(f.check.Faults) {
		f.places = append(f.places, p)
	}
}

// part is a body's content type, what the definition says of such bodies, and
// whether there must be one.
type part struct {
	kind     []byte
	content  definition.Content
	required bool
}

// body judges a body that read returns. One whose type is not listed is judged as
// JSON that is, or cannot be. The error is a problem of reading it.
func (f *findings) body(m *definition.Media, listed bool, p part, read func() (*message.Message, error)) error {
	if !listed {
		if m, listed = p.content.Structured(p.kind); !listed {
			f.in(inBody, func() { f.check.Add("", "is of a content type that the definition does not have") })
			return nil
		}
	}
	if !m.Describes(p.kind) {
		if m.Eludes() {
			f.in(inBody, func() { f.check.Add("", "is of a content type that cannot be compared with the definition") })
		}
		return nil
	}
	body, err := read()
	if err != nil {
		return err
	}
	f.in(inBody, func() {
		if len(body.Raw()) > 0 {
			err = m.Check(&f.check, body)
		} else if p.required {
			f.check.Add("", "is missing")
		}
	})
	return err
}

// problem is p with all faults; nil when there are none.
func (f *findings) problem(p *problem.Problem, counts *[places]*metrics.Counter) error {
	if f.check.Exhausted() {
		f.in(inBody, func() { f.check.Add("", "takes too much work to validate") })
	}
	n := len(f.check.Faults)
	if n == 0 && !f.check.Exhausted() {
		return nil
	}
	errs := make([]problem.Fault, n)
	for i, found := range f.check.Faults {
		at := f.places[i]
		counts[at].Inc()
		errs[i] = problem.Fault{In: placeNames[at], Pointer: found.Pointer, Detail: found.Detail}
	}
	slices.SortStableFunc(errs, compare)
	first := errs[0]
	more := ""
	if n > 1 {
		more = fmt.Sprintf(", and %d more", n-1)
	}
	made := p.Because(fmt.Errorf("%s: %s%s", strings.TrimSuffix(first.In+" "+first.Pointer, " "), first.Detail, more))
	made.Errors = errs
	return made
}

// compare orders faults of one place by their pointers: members have no order.
func compare(a, b problem.Fault) int {
	if a.In != b.In {
		return 0
	}
	switch {
	case a.Pointer < b.Pointer:
		return -1
	case a.Pointer > b.Pointer:
		return 1
	case a.Detail < b.Detail:
		return -1
	}
	return 1
}
