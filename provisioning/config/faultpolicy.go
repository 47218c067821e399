package config

// FaultPolicy says how callers are told of failures: the gateway's own, and
// those that an upstream answers with.
type FaultPolicy struct {
	Format  string       `yaml:"format"`  // of what is worded nowhere: problem (default), webmethods
	Native  string       `yaml:"native"`  // error answers of the upstream: pass (default), replace
	Rules   []FaultRule  `yaml:"rules"`   // the first that fits words the answer
	Default *FaultAnswer `yaml:"default"` // to what no rule fits; nil: Format
}

// FaultRule words the answer to some failures.
type FaultRule struct {
	When   FaultWhen   `yaml:"when"`
	Answer FaultAnswer `yaml:"answer"`
}

// FaultWhen describes failures; all that is stated must fit.
type FaultWhen struct {
	Status  []string      `yaml:"status"`  // 400 to 599, 4xx or 5xx; one of them
	Headers []FaultHeader `yaml:"headers"` // of the request; all of them
	Payload []PayloadRule `yaml:"payload"` // of the upstream's answer; all of them; only with native: replace
}

// FaultHeader compares a field of the request; without a comparison it must be
// there.
type FaultHeader struct {
	Name     string `yaml:"name"`
	Equals   string `yaml:"equals"`   // the whole value, in any case
	Contains string `yaml:"contains"` // a part of the value, in any case
}

// FaultAnswer is what a caller is told.
type FaultAnswer struct {
	Status      int            `yaml:"status"`       // 400 to 599; 0: as it is
	ContentType string         `yaml:"content_type"` // json (default), xml, text, or a media type
	Body        string         `yaml:"body"`         // may hold variables, see gateway/variable
	Also        []FaultMessage `yaml:"also"`         // for callers whose Accept prefers them
}

// FaultMessage is another form of an answer.
type FaultMessage struct {
	ContentType string `yaml:"content_type"`
	Body        string `yaml:"body"`
}

// MediaType is the media type that a content_type stands for.
func MediaType(contentType string) string {
	switch contentType {
	case "json":
		return "application/json"
	case "xml":
		return "application/xml"
	case "text":
		return "text/plain; charset=utf-8"
	}
	return contentType
}

func (p *FaultPolicy) setDefaults() {
	setDefault(&p.Format, "problem")
	setDefault(&p.Native, "pass")
	for i := range p.Rules {
		setDefault(&p.Rules[i].Answer.ContentType, "json")
	}
	if p.Default != nil {
		setDefault(&p.Default.ContentType, "json")
	}
}
