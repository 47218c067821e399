package config

// PayloadRule looks into a body. Exactly one of JSONPath, XPath and Regex is set.
type PayloadRule struct {
	JSONPath   string      `yaml:"json_path"`  // RFC 9535
	XPath      string      `yaml:"xpath"`      // 1.0
	Regex      string      `yaml:"regex"`      // RE2; its first group, or else the whole match
	Namespaces []Namespace `yaml:"namespaces"` // of the prefixes in XPath
	Equals     string      `yaml:"equals"`     // one of what it finds is this; "": it finds something
}

// Namespace is what a prefix in XPath stands for.
type Namespace struct {
	Prefix string `yaml:"prefix"`
	URI    string `yaml:"uri"`
}

// payloadRule checks the form; whether the expression is one, the gateway finds
// out that compiles it.
func (v *checker) payloadRule(path []any, r *PayloadRule) {
	stated := 0
	for _, expression := range []string{r.JSONPath, r.XPath, r.Regex} {
		if expression != "" {
			stated++
		}
	}
	if stated != 1 {
		v.add(path, "state one of json_path, xpath and regex")
	}
	if len(r.Namespaces) > 0 && r.XPath == "" {
		v.add(at(path, "namespaces"), "are for xpath only")
	}
	for i, n := range r.Namespaces {
		if n.Prefix == "" {
			v.add(at(path, "namespaces", i, "prefix"), "missing")
		}
		if n.URI == "" {
			v.add(at(path, "namespaces", i, "uri"), "missing")
		}
	}
}
