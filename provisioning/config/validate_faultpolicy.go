package config

import (
	"mime"
	"strconv"
	"strings"
)

// maxFaultBody is how long the text of an answer may be.
const maxFaultBody = 64 << 10

func (v *checker) faultPolicy(path []any, p *FaultPolicy) {
	v.oneOf(at(path, "format"), p.Format, "problem", "webmethods")
	v.oneOf(at(path, "native"), p.Native, "pass", "replace")
	for i := range p.Rules {
		item := at(path, "rules", i)
		v.faultWhen(at(item, "when"), &p.Rules[i].When)
		if len(p.Rules[i].When.Payload) > 0 && p.Native == "pass" {
			v.add(at(item, "when", "payload"), "needs native: replace: without it there is no answer of the upstream to look into")
		}
		v.faultAnswer(at(item, "answer"), &p.Rules[i].Answer)
	}
	if p.Default != nil {
		v.faultAnswer(at(path, "default"), p.Default)
	}
}

func (v *checker) faultWhen(path []any, w *FaultWhen) {
	if len(w.Status) == 0 && len(w.Headers) == 0 && len(w.Payload) == 0 {
		v.add(path, "missing: say which failures; an answer to all others is the default")
	}
	for i, status := range w.Status {
		number, err := strconv.Atoi(status)
		if status != "4xx" && status != "5xx" && (err != nil || !isFailure(number)) {
			v.add(at(path, "status", i), "%q is not a status from 400 to 599, 4xx or 5xx", status)
		}
	}
	for i, h := range w.Headers {
		item := at(path, "headers", i)
		if !isToken(h.Name) {
			v.add(at(item, "name"), "%q is not a header name", h.Name)
		}
		if h.Equals != "" && h.Contains != "" {
			v.add(item, "state equals or contains, not both")
		}
	}
	for i := range w.Payload {
		v.payloadRule(at(path, "payload", i), &w.Payload[i])
	}
}

func isFailure(status int) bool { return status >= 400 && status <= 599 }

func (v *checker) faultAnswer(path []any, a *FaultAnswer) {
	if a.Status != 0 && !isFailure(a.Status) {
		v.add(at(path, "status"), "%d is not from 400 to 599: a failure stays one", a.Status)
	}
	seen := map[string][]any{}
	v.faultMessage(path, FaultMessage{a.ContentType, a.Body}, seen)
	for i, m := range a.Also {
		v.faultMessage(at(path, "also", i), m, seen)
	}
}

// faultMessage checks one form of an answer; the media type tells them apart.
func (v *checker) faultMessage(path []any, m FaultMessage, seen map[string][]any) {
	place := at(path, "content_type")
	media, _, err := mime.ParseMediaType(MediaType(m.ContentType))
	switch {
	case m.ContentType == "":
		v.add(place, "missing: json, xml, text or a media type")
	case err != nil || strings.Count(media, "/") != 1 || strings.Contains(media, "*"):
		v.add(place, "%q is not json, xml, text or a media type such as text/html%s", m.ContentType, DidYouMean(m.ContentType, []string{"json", "xml", "text"}))
	case seen[media] != nil:
		v.clash(place, seen[media], "%s stands twice", media)
	default:
		seen[media] = place
	}
	switch {
	case m.Body == "":
		v.add(at(path, "body"), "missing: what the caller is told")
	case len(m.Body) > maxFaultBody:
		v.add(at(path, "body"), "is longer than 64KiB")
	}
}
