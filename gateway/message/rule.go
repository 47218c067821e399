package message

import "postern/provisioning/config"

// Rule is an expression, and what it must find.
type Rule struct {
	expression *Expression
	equals     string // "": anything
}

// NewRule compiles one. The error is config.Faults with paths relative to cfg.
func NewRule(cfg *config.PayloadRule) (*Rule, error) {
	expression, err := Compile(cfg)
	if err != nil {
		return nil, err
	}
	return &Rule{expression, cfg.Equals}, nil
}

// Compile compiles the expression of a rule alone, for whoever compares what it
// finds with many texts. The error is as of NewRule.
func Compile(cfg *config.PayloadRule) (expression *Expression, err error) {
	key := "json_path"
	switch {
	case cfg.JSONPath != "":
		expression, err = JSONPath(cfg.JSONPath)
	case cfg.XPath != "":
		key = "xpath"
		expression, err = XPath(cfg.XPath, prefixes(cfg.Namespaces))
	default:
		key = "regex"
		expression, err = Regex(cfg.Regex)
	}
	if err != nil {
		return nil, config.Below(err, key)
	}
	return expression, nil
}

// prefixes are what namespaces say of them.
func prefixes(list []config.Namespace) map[string]string {
	made := make(map[string]string, len(list))
	for _, n := range list {
		made[n.Prefix] = n.URI
	}
	return made
}

// Fits reports whether the rule finds in a message what it must. The error is as
// of Expression.Find.
func (r *Rule) Fits(m *Message) (bool, error) {
	return r.expression.Any(m, func(value string) bool { return r.equals == "" || value == r.equals })
}
