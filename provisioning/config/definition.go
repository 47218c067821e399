package config

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Definition is an API's own description: Swagger 2, OpenAPI 3.0 or 3.1.
type Definition struct {
	File File `yaml:"file"` // without its data, which Documents are
	// Documents are the file, by its base name, and those beside it that it refers
	// to, by their path from there. Their values are string, bool, nil, json.Number, []any and map[string]any.
	Documents map[string]any
	// Digest is the same for the same documents, wherever they lie.
	Digest string
}

// Beside is the document that another one refers to: only such as lie in the
// folder of the first one, or below, are read.
func Beside(document, reference string) (string, error) {
	name, err := url.PathUnescape(reference)
	if err != nil || strings.Contains(reference, ":") || strings.HasPrefix(name, "/") {
		return "", fmt.Errorf("%q is not a file beside the definition; nothing is fetched", reference)
	}
	if name = path.Join(path.Dir(document), name); name == ".." || strings.HasPrefix(name, "../") {
		return "", fmt.Errorf("%q is not a file beside the definition", reference)
	}
	return name, nil
}
