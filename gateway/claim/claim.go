// Package claim finds claims in what a token says, and writes them as text. It
// is shared by the policies that read tokens, which do not know each other.
package claim

import (
	"encoding/json"
	"strconv"

	"postern/provisioning/config"
)

// Path is the name of a claim: a JSON pointer (RFC 6901) when it begins with a
// slash, otherwise member names joined with dots.
type Path []string

// Parse reads the name of a claim. Validate has seen that it is one.
func Parse(name string) Path { return config.ClaimSteps(name) }

// Find returns what stands at the path; false when nothing does. A step into a
// list is its index.
func (p Path) Find(claims map[string]any) (any, bool) {
	var at any = claims
	for _, step := range p {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[step]
			if !ok {
				return nil, false
			}
			at = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}

// Text is a claim as text: a number as it was written, true or false. Lists,
// objects and null have none.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// Contains reports whether v is a list that holds want, or is want itself.
func Contains(v any, want string) bool {
	list, ok := v.([]any)
	if !ok {
		text, ok := Text(v)
		return ok && text == want
	}
	for _, item := range list {
		if text, ok := Text(item); ok && text == want {
			return true
		}
	}
	return false
}
