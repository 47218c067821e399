package config

import "time"

// Denylist says which tokens are refused although they are good in themselves.
// Exactly one of File and URL is set.
type Denylist struct {
	File      File     `yaml:"file"` // JSON; a change of it is a reload
	URL       string   `yaml:"url"`
	AllowHTTP bool     `yaml:"allow_http"` // http beyond loopback
	Poll      Duration `yaml:"poll"`       // of URL; default 30s, at least 1s
	MaxStale  Duration `yaml:"max_stale"`  // how long a list serves after the last good fetch; default 10m
	// OnUnavailable says what happens to tokens while there is no list that is
	// young enough: deny (default) or allow.
	OnUnavailable string `yaml:"on_unavailable"`
}

func (d *Denylist) setDefaults() {
	if d.URL != "" {
		setDefault(&d.Poll, Duration(30*time.Second))
		setDefault(&d.MaxStale, Duration(10*time.Minute))
		setDefault(&d.OnUnavailable, "deny")
	}
}

func (v *checker) denylist(path []any, d *Denylist) {
	switch {
	case d.File.IsZero() && d.URL == "":
		v.add(path, "says from where: state file or url")
		return
	case !d.File.IsZero() && d.URL != "":
		v.clash(at(path, "url"), at(path, "file"), "only one source is allowed, and file is stated too")
		return
	case d.URL != "":
		v.secureURL(at(path, "url"), d.URL, d.AllowHTTP)
		v.oneOf(at(path, "on_unavailable"), d.OnUnavailable, "deny", "allow")
		v.atLeast(at(path, "poll"), d.Poll, time.Second)
		if d.MaxStale < d.Poll {
			v.add(at(path, "max_stale"), "ends before the next poll, so the list would be unusable in between")
		}
		return
	}
	for _, stated := range []struct {
		key string
		set bool
	}{
		{"allow_http", d.AllowHTTP},
		{"poll", d.Poll != 0},
		{"max_stale", d.MaxStale != 0},
		{"on_unavailable", d.OnUnavailable != ""},
	} {
		if stated.set {
			v.add(at(path, stated.key), "needs url: a file is read when it changes")
		}
	}
}
