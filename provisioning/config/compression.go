package config

import "strings"

// Compression is how answers are compressed that the upstream has sent as they
// are.
type Compression struct {
	None    bool     // of the levels around it, nothing is compressed here
	Codings []string `yaml:"codings"`  // those that are spoken, the preferred one first; default zstd, gzip
	MinSize Size     `yaml:"min_size"` // of a body; default 1KiB
	Types   []string `yaml:"types"`    // content types, such as text/* or application/*+json
	Level   string   `yaml:"level"`    // fastest (default), default, best
	Max     int      `yaml:"max"`      // answers that are compressed at once; default 100
}

// compressed are the types that are worth it.
var compressed = []string{
	"text/*", "application/json", "application/*+json", "application/xml", "application/*+xml", "application/javascript",
	"application/x-ndjson", "application/wasm", "image/svg+xml",
}

func (c *Compression) setDefaults() {
	if c.None {
		return
	}
	if len(c.Codings) == 0 {
		c.Codings = []string{"zstd", "gzip"}
	}
	setDefault(&c.MinSize, 1<<10)
	if len(c.Types) == 0 {
		c.Types = append([]string(nil), compressed...)
	}
	setDefault(&c.Level, "fastest")
	setDefault(&c.Max, 100)
}

func (v *checker) compression(path []any, c *Compression) {
	if c == nil || c.None {
		return
	}
	seen := map[string]bool{}
	for i, coding := range c.Codings {
		v.oneOf(at(path, "codings", i), coding, "zstd", "br", "gzip")
		if seen[coding] {
			v.add(at(path, "codings", i), "%q stands twice", coding)
		}
		seen[coding] = true
	}
	for i, pattern := range c.Types {
		v.typePattern(at(path, "types", i), pattern)
	}
	v.oneOf(at(path, "level"), c.Level, "fastest", "default", "best")
	if c.Max > 100_000 {
		v.add(at(path, "max"), "must be at most 100000")
	}
}

// typePattern checks a content type that may begin its subtype with *.
func (v *checker) typePattern(path []any, pattern string) {
	kind, sub, ok := strings.Cut(pattern, "/")
	rest := strings.TrimPrefix(sub, "*")
	switch {
	case !ok || !isToken(kind) || strings.Contains(kind, "*") || sub == "" || strings.Contains(rest, "*") || rest != "" && !isToken(rest):
		v.add(path, "%q is not a type such as text/html, text/* or application/*+json", pattern)
	case sub != rest && rest != "" && rest[0] != '+':
		v.add(path, "%q: after * stands nothing, or a suffix such as +json", pattern)
	case strings.EqualFold(pattern, "text/event-stream"):
		v.add(path, "events are not compressed: each must come at once")
	}
}
