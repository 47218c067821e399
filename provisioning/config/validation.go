package config

// Validation says what of messages must be as the API's definition has it. A part
// that is not stated is not looked at.
type Validation struct {
	Request  *RequestValidation  `yaml:"request"`
	Response *ResponseValidation `yaml:"response"`
	// Undefined is what becomes of requests for which the definition has no
	// operation: refuse (default), pass.
	Undefined string `yaml:"undefined"`
}

// RequestValidation are the parts of requests that are looked at.
type RequestValidation struct {
	Schema       bool   `yaml:"schema"`        // the body
	Query        bool   `yaml:"query"`         // query parameters
	UnknownQuery string `yaml:"unknown_query"` // parameters that the definition lacks: allow (default), refuse
	Path         bool   `yaml:"path"`          // path parameters
	Cookies      bool   `yaml:"cookies"`       // cookie parameters
	Headers      bool   `yaml:"headers"`       // header parameters
	ContentTypes bool   `yaml:"content_types"` // the body's type must be listed
	// RequiredHeaders need no definition.
	RequiredHeaders *RequiredHeaders `yaml:"required_headers"`
}

// ResponseValidation are the parts of answers that are looked at.
type ResponseValidation struct {
	Schema       bool `yaml:"schema"`        // the body
	Headers      bool `yaml:"headers"`       // the headers that the definition names
	ContentTypes bool `yaml:"content_types"` // the body's type must be listed
	Statuses     bool `yaml:"statuses"`      // the status must be listed
	// RequiredHeaders need no definition.
	RequiredHeaders *RequiredHeaders `yaml:"required_headers"`
}

// RequiredHeaders are conditions on headers.
type RequiredHeaders struct {
	Combine string           `yaml:"combine"` // and (default): all must hold; or: one of them
	Headers []RequiredHeader `yaml:"headers"`
}

// RequiredHeader must be there; with a comparison, and be this.
type RequiredHeader struct {
	Name   string `yaml:"name"`
	Equals string `yaml:"equals"` // the whole value, in any case
}

// NeedsDefinition reports whether anything is compared with a definition.
func (p *Validation) NeedsDefinition() bool {
	q, a := p.Request, p.Response
	return q != nil && (q.Schema || q.Query || q.Path || q.Cookies || q.Headers || q.ContentTypes) ||
		a != nil && (a.Schema || a.Headers || a.ContentTypes || a.Statuses)
}

func (p *Validation) setDefaults() {
	setDefault(&p.Undefined, "refuse")
	if p.Request != nil {
		setDefault(&p.Request.UnknownQuery, "allow")
		p.Request.RequiredHeaders.setDefaults()
	}
	if p.Response != nil {
		p.Response.RequiredHeaders.setDefaults()
	}
}

func (r *RequiredHeaders) setDefaults() {
	if r != nil {
		setDefault(&r.Combine, "and")
	}
}
