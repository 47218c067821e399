package config

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Definition is an API's own description: Swagger 2, OpenAPI 3.0 or 3.1.
type Definition struct {
	File File `yaml:"file"` // without its data, which Documents are
	// Resources says that the API has the paths and methods of the definition, and
	// nothing else; SetDefaults puts them into API.Resources.
	Resources bool `yaml:"resources"`
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

// methodsOfPaths are those that a definition may have operations for.
var methodsOfPaths = []string{"get", "put", "post", "delete", "options", "head", "patch"}

// resources are the paths and methods of the definition. Of a path that is said
// elsewhere they are every method.
func (d *Definition) resources() (all []Resource) {
	root, _ := d.Documents[filepath.Base(d.File.Path)].(map[string]any)
	paths, _ := root["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item, isObject := paths[path].(map[string]any)
		if !isObject || !strings.HasPrefix(path, "/") {
			continue // reported by whoever compiles it
		}
		r := Resource{Path: resourcePath(path)}
		for _, method := range methodsOfPaths {
			if _, there := item[method]; there {
				r.Methods = append(r.Methods, strings.ToUpper(method))
			}
		}
		if _, elsewhere := item["$ref"]; r.Methods != nil || elsewhere {
			all = append(all, r)
		}
	}
	return all
}

// resourcePath writes a path of a definition as that of a resource: literals as
// they are compared, and parameters by names that one may have.
func resourcePath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		_, isParameter := parameter(segment)
		switch {
		case isParameter:
		case len(segment) > 2 && segment[0] == '{' && strings.IndexByte(segment, '}') == len(segment)-1:
			segments[i] = "{" + strconv.Itoa(i) + "}"
		case !strings.ContainsAny(segment, "{}"):
			segments[i] = CanonicalSegment(segment)
		}
	}
	return strings.Join(segments, "/")
}

// CanonicalSegment writes a literal as paths are compared.
func CanonicalSegment(literal string) string {
	plain, err := url.PathUnescape(literal)
	if err != nil {
		plain = literal
	}
	var b strings.Builder
	for i := range len(plain) {
		c := plain[i]
		if isAlphanumeric(c) || strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
