package definition

import (
	"errors"
	"mime"
	"strings"

	"postern/gateway/message"
	"postern/gateway/schema"
)

// Content is what a definition says of bodies, by content type.
type Content struct {
	ranges []string // type/subtype, type/* or */*, in small letters; the exact ones first
	media  []*Media // of each
}

// IsEmpty reports whether no body is described.
func (c *Content) IsEmpty() bool { return len(c.ranges) == 0 }

// Find is what is said of bodies of a type; ok is false when it is not listed.
func (c *Content) Find(contentType []byte) (m *Media, ok bool) {
	kind, _, err := mime.ParseMediaType(string(contentType))
	if err != nil {
		kind = ""
	}
	for i, r := range c.ranges {
		prefix, wild := strings.CutSuffix(r, "*")
		if r == kind || r == "*/*" || wild && kind != "" && strings.HasPrefix(kind, prefix) {
			return c.media[i], true
		}
	}
	return nil, false
}

// Structured is what is said of bodies of another type that are written in the
// same way: of one that is not listed it is known what is in it, if that is JSON.
func (c *Content) Structured(contentType []byte) (m *Media, ok bool) {
	kind, _, err := mime.ParseMediaType(string(contentType))
	if err != nil || !isJSON(kind) {
		return nil, false
	}
	for i, r := range c.ranges {
		if isJSON(r) {
			return c.media[i], true
		}
	}
	return nil, false
}

func (c *Content) add(mediaRange string, m *Media) {
	mediaRange = strings.ToLower(mediaRange)
	if kind, _, err := mime.ParseMediaType(mediaRange); err == nil {
		mediaRange = kind // what follows it is not compared
	}
	m.wild = strings.Contains(mediaRange, "*")
	at := len(c.ranges)
	for at > 0 && strings.Count(c.ranges[at-1], "*") > strings.Count(mediaRange, "*") {
		at--
	}
	c.ranges = append(c.ranges[:at:at], append([]string{mediaRange}, c.ranges[at:]...)...)
	c.media = append(c.media[:at:at], append([]*Media{m}, c.media[at:]...)...)
}

func isJSON(kind string) bool {
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// isText says that a body is nothing but characters. Events and XML are more.
func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") && !strings.HasSuffix(kind, "xml") && kind != "text/event-stream"
}

const (
	urlencoded = "application/x-www-form-urlencoded"
	multiparts = "multipart/form-data"
)

// Describes reports whether there is something to look for in bodies of a type:
// in those of XML and others there is not.
func (m *Media) Describes(contentType []byte) bool {
	kind, _, err := mime.ParseMediaType(string(contentType))
	switch {
	case err != nil:
		return false
	case kind == urlencoded, kind == multiparts:
		return m.form != nil
	}
	return m.Schema != nil && (isJSON(kind) || isText(kind))
}

// Check judges a body that Describes has been asked about. The error is a problem
// of reading it.
func (m *Media) Check(c *schema.Check, body *message.Message) error {
	kind, parameters, _ := mime.ParseMediaType(string(body.Type()))
	if isJSON(kind) {
		return m.checkJSON(c, body)
	}
	text, err := body.Text()
	if err != nil {
		return err
	}
	form := filled{form: m.form, schema: m.Schema, body: body}
	switch {
	case kind == urlencoded:
		form.check(c, string(text))
	case kind == multiparts && inPieces(string(body.Type()), "boundary"):
		c.Add("", "has a boundary that not all read")
	case kind == multiparts:
		form.checkParts(c, text, parameters["boundary"])
	case validText(string(text)) != "":
		c.Add("", isBroken)
	default:
		c.Value(m.Schema, "", string(text))
	}
	return form.err
}

func (m *Media) checkJSON(c *schema.Check, body *message.Message) error {
	value, err := body.JSON()
	switch {
	case errors.Is(err, message.ErrMalformed):
		c.Add("", "must be JSON, in UTF-8, with no member twice")
		return nil
	case errors.Is(err, message.ErrTooMuch):
		c.Add("", "holds too many values, or too many within each other")
		return nil
	case err != nil:
		return err
	}
	c.Value(m.Schema, "", value)
	return nil
}
