package config

import (
	"slices"
	"strings"
)

// destinations checks where events may go.
func (v *checker) destinations(c *Config) {
	names, files := map[string]int{}, map[string][]any{}
	for i := range c.Destinations {
		d, path := &c.Destinations[i], []any{"destinations", i}
		v.unique(names, d.Name, path, "name")
		v.destinationKind(path, d)
		for j, kind := range d.Events {
			v.oneOf(at(path, "events", j), kind, EventKinds()...)
		}
		if d.Queue < 64<<10 || d.Queue > 4<<30 {
			v.add(at(path, "queue"), "must lie between 64KiB and 4GiB")
		}
		if d.File == nil || d.File.Path == "" {
			continue
		}
		place := at(path, "file", "path")
		if first := files[string(d.File.Path)]; first != nil {
			v.clash(place, first, "another destination writes this file")
		} else {
			files[string(d.File.Path)] = place
		}
	}
}

func (v *checker) destinationKind(path []any, d *Destination) {
	stated := 0
	if d.Log != nil {
		stated++
		v.oneOf(at(path, "log", "level"), d.Log.Level, "debug", "info", "warn", "error")
	}
	if d.File != nil {
		stated++
		v.eventFile(at(path, "file"), d.File)
	}
	if d.Elasticsearch != nil {
		stated++
		v.elasticsearch(at(path, "elasticsearch"), d.Elasticsearch)
	}
	if stated != 1 {
		v.add(path, "state one of log, file and elasticsearch")
	}
}

func (v *checker) eventFile(path []any, f *EventFile) {
	if f.Path == "" {
		v.add(at(path, "path"), "missing: the file that events are written to")
	}
	if f.MaxSize < 64<<10 {
		v.add(at(path, "max_size"), "must be at least 64KiB")
	}
	if f.MaxFiles > 1000 {
		v.add(at(path, "max_files"), "must be at most 1000")
	}
}

func (v *checker) elasticsearch(path []any, e *Elasticsearch) {
	v.elasticsearchURL(path, e)
	if !validIndex(e.Index) {
		v.add(at(path, "index"), "%q is not the name of an index: small letters, digits, '.', '_' and '-'", e.Index)
	}
	if e.TLS != nil {
		v.clientTLS(at(path, "tls"), e.TLS)
	}
	switch {
	case e.User != "" && !e.APIKey.IsZero():
		v.clash(at(path, "api_key"), at(path, "user"), "state one of user and api_key")
	case e.User != "" && e.Password.IsZero():
		v.add(at(path, "password"), "missing: user needs one")
	case e.User == "" && !e.Password.IsZero():
		v.add(at(path, "user"), "missing: password needs one")
	case !validUser(e.User):
		v.add(at(path, "user"), "%q holds a colon or a control character, which basic authentication cannot carry", e.User)
	case !isPrintable(e.APIKey.Reveal()), !isPrintable(e.Password.Reveal()):
		v.add(path, "a secret holds a control character, which a header cannot carry")
	}
	if e.Batch > 10_000 {
		v.add(at(path, "batch"), "must be at most 10000")
	}
	if e.Retries > 1000 {
		v.add(at(path, "retries"), "must be at most 1000")
	}
}

func (v *checker) elasticsearchURL(path []any, e *Elasticsearch) {
	path = at(path, "url")
	if e.URL == "" {
		v.add(path, "missing: such as https://elastic.example.com:9200")
		return
	}
	v.secureURL(path, e.URL, e.AllowHTTP)
	if u, problem := parseURL(e.URL); problem == "" && (u.RawQuery != "" || u.Fragment != "") {
		v.add(path, "has no query; what is secret goes into password or api_key")
	}
}

// validIndex reports whether name is one that Elasticsearch takes.
func validIndex(name string) bool {
	return name != "" && len(name) < 256 && !strings.HasPrefix(name, "-") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") &&
		!strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
		})
}

// eventsTo checks that the destinations of events are there.
func (v *checker) eventsTo(c *Config, path []any, names []string) {
	var known []string
	for _, d := range c.AllDestinations() {
		known = append(known, d.Name)
	}
	for i, name := range names {
		if !slices.Contains(known, name) {
			v.add(at(path, i), "no destination is named %q%s", name, DidYouMean(name, known))
		}
		if slices.Contains(names[:i], name) {
			v.add(at(path, i), "%q stands twice", name)
		}
	}
}
