package config

import "strings"

// ClaimSteps are the members that the name of a claim leads through: those of a
// JSON pointer (RFC 6901) when it begins with a slash, otherwise what stands
// between its dots. Validate has seen that it is one of both.
func ClaimSteps(name string) []string {
	pointer, ok := strings.CutPrefix(name, "/")
	if !ok {
		return strings.Split(name, ".")
	}
	steps := strings.Split(pointer, "/")
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for i := range steps {
		steps[i] = unescape.Replace(steps[i])
	}
	return steps
}
