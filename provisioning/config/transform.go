package config

// Transform changes requests before they are forwarded, and the answers to them.
// Each list runs as it is written; a step sees what those before it have done.
type Transform struct {
	Request  []RequestStep  `yaml:"request"`
	Response []ResponseStep `yaml:"response"`
}

// RequestStep is a change of a request. Texts may hold variables, see
// gateway/variable.
type RequestStep struct {
	When          *TransformWhen `yaml:"when"`                         // nil: always
	Method        string         `yaml:"method"`                       // what is forwarded; "": as it came
	Path          string         `yaml:"path"`                         // what follows the API's prefix, in the form of a path
	RenameQuery   []Setting      `yaml:"rename_query"`                 // old name to new one
	SetQuery      []Setting      `yaml:"set_query"`                    // in place of all of that name
	AddQuery      []Setting      `yaml:"add_query"`                    // one more of that name
	RemoveQuery   []string       `yaml:"remove_query" allow:"empty"`   // last
	Body          *TransformBody `yaml:"body"`                         // nil: as it came
	RenameHeaders []Setting      `yaml:"rename_headers"`               // old name to new one
	SetHeaders    []Setting      `yaml:"set_headers"`                  // in place of all of that name
	AddHeaders    []Setting      `yaml:"add_headers"`                  // one more of that name
	RemoveHeaders []string       `yaml:"remove_headers" allow:"empty"` // last
}

// ResponseStep is a change of an upstream's answer.
type ResponseStep struct {
	When          *TransformWhen `yaml:"when"`                         // nil: always
	Status        int            `yaml:"status"`                       // 200 to 599; 0: as it came
	Reason        string         `yaml:"reason"`                       // of the status line; "": the status's own where that changes
	Body          *TransformBody `yaml:"body"`                         // nil: as it came
	RenameHeaders []Setting      `yaml:"rename_headers"`               // old name to new one
	SetHeaders    []Setting      `yaml:"set_headers"`                  // in place of all of that name
	AddHeaders    []Setting      `yaml:"add_headers"`                  // one more of that name
	RemoveHeaders []string       `yaml:"remove_headers" allow:"empty"` // last
}

// Setting is a name and a text for it, in the order of the file. Secret, where there
// is one, stands in place of Text, and holds no variables.
type Setting struct {
	Name, Text string
	Secret     Secret
}

// TransformWhen describes exchanges: all of All fit, and one of Any where that is
// stated.
type TransformWhen struct {
	All []Condition `yaml:"all"`
	Any []Condition `yaml:"any"`
}

// Condition compares a text, which is usually one variable. Exactly one of the
// comparisons is stated.
type Condition struct {
	Variable            string  `yaml:"variable"`
	Exists              *bool   `yaml:"exists"` // it is not empty
	Equals              *string `yaml:"equals"`
	EqualsIgnoreCase    *string `yaml:"equals_ignore_case"`
	NotEquals           *string `yaml:"not_equals"`
	NotEqualsIgnoreCase *string `yaml:"not_equals_ignore_case"`
	Contains            string  `yaml:"contains"`
	Matches             string  `yaml:"matches"` // RE2, anywhere in it
}

// TransformBody changes a body: Text stands for all of it, JSON and Remove change
// parts of one that is JSON.
type TransformBody struct {
	ContentType string    `yaml:"content_type"` // of Text: json (default), xml, text, or a media type
	Text        string    `yaml:"text"`
	JSON        []Setting `yaml:"json"`   // values by their JSONPath, of names, indexes and [*]; what is not JSON is a string
	Remove      []string  `yaml:"remove"` // likewise
}

func (t *Transform) setDefaults() {
	for i := range t.Request {
		t.Request[i].Body.setDefaults()
	}
	for i := range t.Response {
		t.Response[i].Body.setDefaults()
	}
}

func (b *TransformBody) setDefaults() {
	if b != nil && b.Text != "" {
		setDefault(&b.ContentType, "json")
	}
}
