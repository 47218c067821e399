package config

import "strconv"

// PayloadRule looks into a body. Exactly one of JSONPath, XPath and Regex is set.
type PayloadRule struct {
	JSONPath   string      `yaml:"json_path"`  // RFC 9535, or beginning with a bracket
	XPath      string      `yaml:"xpath"`      // 1.0
	Regex      string      `yaml:"regex"`      // RE2; its first group, or else the whole match
	Namespaces []Namespace `yaml:"namespaces"` // of the prefixes in XPath, in the order of the file
	Equals     string      `yaml:"equals"`     // one of what it finds is this; "": it finds something
}

// Namespace is what a prefix in XPath stands for.
type Namespace struct{ Prefix, URI string }

// Expression tells apart rules that look for different things.
func (r *PayloadRule) Expression() string {
	text := r.JSONPath + "\x00" + r.XPath + "\x00" + r.Regex
	for _, n := range r.Namespaces {
		text += "\x00" + strconv.Quote(n.Prefix) + strconv.Quote(n.URI)
	}
	return text
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
	for _, n := range r.Namespaces {
		if !isToken(n.Prefix) {
			v.add(at(path, "namespaces", n.Prefix), "%q is not a prefix", n.Prefix)
		}
	}
}
