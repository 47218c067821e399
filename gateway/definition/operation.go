package definition

import (
	"strconv"

	"postern/gateway/schema"
)

// Operation is what a definition says of one method of a path.
type Operation struct {
	Method, Path string // Path as the definition writes it

	path, query, header, cookie []*Parameter
	body                        *Body
	answers                     map[string]*Answer // by status, as 404, 4XX or default
}

// Body is what a definition says of a request's body.
type Body struct {
	Required bool
	Content  Content
}

// Answer is what a definition says of an answer.
type Answer struct {
	headers []*Parameter
	Content Content
}

// Body is nil when the definition says nothing of one.
func (o *Operation) Body() *Body { return o.body }

// Answer is what the definition says of answers with a status; nil: nothing.
func (o *Operation) Answer(status int) *Answer {
	text := strconv.Itoa(status)
	for _, key := range []string{text, text[:1] + "XX", "default"} {
		if a := o.answers[key]; a != nil {
			return a
		}
	}
	return nil
}

// Media is what a definition says of bodies of one content type.
type Media struct {
	Schema *schema.Schema // nil: nothing
	form   *form          // of a form's fields
	wild   bool           // it is said of a range of types
}

// Eludes reports whether a body of a type that Describes does not know could be
// anything, although a schema says that it is more than text or bytes: a caller
// has chosen the type, and not the definition.
func (m *Media) Eludes() bool {
	return m.wild && m.Schema != nil && m.Schema.Kinds()&schema.Text == 0
}
