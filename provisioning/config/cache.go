package config

import "time"

// Cache keeps answers, so that requests for the same need not go upstream.
type Cache struct {
	None bool // of the levels around it, nothing is kept here
	// Mode says who decides how long an answer is fresh: standard (default), the
	// answer (RFC 9111); ttl, this section.
	Mode     string    `yaml:"mode"`
	TTL      TTL       `yaml:"ttl"`                    // in mode ttl
	Size     Size      `yaml:"size"`                   // of all that is kept; default 64MiB
	MaxEntry Size      `yaml:"max_entry" allow:"none"` // of one answer's body; default 1MiB
	Key      CacheKey  `yaml:"key"`
	Collapse *Collapse `yaml:"collapse"` // default: on
}

// TTL is a time in days and smaller units.
type TTL time.Duration

// String writes it as Go writes durations.
func (t TTL) String() string { return time.Duration(t).String() }

// MarshalText shows it in settings.
func (t TTL) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// CacheKey is what of a request tells its answer from others, besides host, path
// and query.
type CacheKey struct {
	// Caller says whether each has answers of its own (each, default) or those of
	// identified callers are shared among them (shared).
	Caller  string       `yaml:"caller"`
	Headers []KeyPart    `yaml:"headers"`
	Query   []KeyPart    `yaml:"query"` // of the query, only these; empty: all of it
	Payload []KeyPayload `yaml:"payload"`
}

// KeyPart is a header or a query parameter.
type KeyPart struct {
	Name string   `yaml:"name"`
	Only []string `yaml:"only"` // nothing is kept for other values; empty: for all
}

// KeyPayload is what an expression finds in a request's body. Exactly one of
// JSONPath, XPath and Regex is set.
type KeyPayload struct {
	JSONPath   string      `yaml:"json_path"`  // RFC 9535, or beginning with a bracket
	XPath      string      `yaml:"xpath"`      // 1.0
	Regex      string      `yaml:"regex"`      // RE2; its first group, or else the whole match
	Namespaces []Namespace `yaml:"namespaces"` // of the prefixes in XPath
	Only       []string    `yaml:"only"`       // nothing is kept for other values; empty: for all
}

// Rule is the expression.
func (k *KeyPayload) Rule() *PayloadRule {
	return &PayloadRule{JSONPath: k.JSONPath, XPath: k.XPath, Regex: k.Regex, Namespaces: k.Namespaces}
}

// Collapse lets requests wait for the answer to the first of those that ask for
// the same.
type Collapse struct {
	None bool
	Wait Duration `yaml:"wait"` // default 1s
	Max  int      `yaml:"max"`  // how many wait for one; default 1000
}

func (c *Cache) setDefaults() {
	if c.None {
		return
	}
	setDefault(&c.Mode, "standard")
	setDefault(&c.Size, 64<<20)
	setDefault(&c.MaxEntry, 1<<20)
	setDefault(&c.Key.Caller, "each")
	if c.Collapse == nil {
		c.Collapse = new(Collapse)
	}
	if !c.Collapse.None {
		setDefault(&c.Collapse.Wait, Duration(time.Second))
		setDefault(&c.Collapse.Max, 1000)
	}
}
