package config

import "slices"

// Mask hides parts of bodies: of requests before they are forwarded, of answers
// before they are sent, and of both where invocationlog stores them.
type Mask struct {
	Request  []MaskRule `yaml:"request"`
	Response []MaskRule `yaml:"response"` // of answers below 400
	Fault    []MaskRule `yaml:"fault"`    // of the upstream's answers from 400 on
	Apply    []string   `yaml:"apply"`    // payload, log; default both
}

// MaskRule says what is hidden. Exactly one of JSONPath, XPath and Regex is set;
// each may be written as in ${request.payload.NAME}, too.
type MaskRule struct {
	JSONPath   string      `yaml:"json_path"`
	XPath      string      `yaml:"xpath"`
	Regex      string      `yaml:"regex"` // RE2; the whole match
	Namespaces []Namespace `yaml:"namespaces"`
	Action     string      `yaml:"action"` // mask (default), filter
	With       string      `yaml:"with"`   // what stands for a masked value; default ********
}

// Of reports whether the rules are for bodies in a place: payload or log.
func (m *Mask) Of(place string) bool { return slices.Contains(m.Apply, place) }

func (m *Mask) setDefaults() {
	if m.Apply == nil {
		m.Apply = []string{"payload", "log"}
	}
	for _, list := range [...][]MaskRule{m.Request, m.Response, m.Fault} {
		for i := range list {
			setDefault(&list[i].Action, "mask")
			if list[i].Action == "mask" {
				setDefault(&list[i].With, "********")
			}
		}
	}
}
