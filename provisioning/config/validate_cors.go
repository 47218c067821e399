package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// cors checks the policy of a level; applications may have origins of their own.
func (v *checker) cors(path []any, c *CORS, applications []Application) {
	if c == nil || c.None {
		return
	}
	if len(c.Origins) == 0 && !slices.ContainsFunc(applications, func(a Application) bool { return len(a.Origins) > 0 }) {
		v.add(at(path, "origins"), "missing: no application has origins either, so no page could use the API")
	}
	for i, o := range c.Origins {
		v.origin(at(path, "origins", i), o, c.Credentials)
		if slices.Contains(c.Origins[:i], o) {
			v.add(at(path, "origins", i), "%q stands twice", o.Text+o.Pattern)
		}
	}
	for i, method := range c.Methods {
		v.method(at(path, "methods", i), method)
	}
	v.corsFields(at(path, "headers"), c.Headers)
	v.corsFields(at(path, "expose_headers"), c.ExposeHeaders)
	if i := slices.Index(c.ExposeHeaders, Wildcard); i >= 0 && c.Credentials {
		v.add(at(path, "expose_headers", i), "* means nothing to browsers where credentials are sent: name the fields")
	}
	if age := c.MaxAge.Limit(); age%time.Second != 0 {
		v.add(at(path, "max_age"), "must be whole seconds")
	}
}

func (v *checker) origin(path []any, o Origin, credentials bool) {
	fault := ""
	switch {
	case o.Pattern != "":
		v.originPattern(at(path, "pattern"), o.Pattern, credentials)
	case o.Text == Wildcard && credentials:
		fault = "lets every page on the web act for its reader where credentials are sent: name the origins"
	case o.Text == NullOrigin && credentials:
		v.warn(path, "any page can make itself an origin of null, and acts for its reader where credentials are sent")
	case o.Text == Wildcard, o.Text == NullOrigin:
	case strings.Contains(o.Text, "://*."):
		fault = wildcardFault(o.Text)
	default:
		fault = originFault(o.Text)
	}
	if fault != "" {
		v.add(path, "%q %s", o.Text, fault)
	}
}

// anybody is an origin that nobody would name.
const anybody = "https://anybody-at-all.invalid"

func (v *checker) originPattern(path []any, text string, credentials bool) {
	if _, err := regexp.Compile(text); err != nil {
		v.add(path, "%v", err)
		return
	}
	pattern, err := regexp.Compile(`\A(?:` + text + `)\z`)
	switch {
	case err != nil:
		v.add(path, "%v", err)
	case credentials && pattern.MatchString(anybody):
		v.add(path, "fits every origin, so every page on the web could act for its reader where credentials are sent")
	}
}

func (v *checker) corsFields(path []any, names []string) {
	for i, name := range names {
		if !isToken(name) {
			v.add(at(path, i), "%q is not a header name", name)
		}
		if name == Wildcard && len(names) > 1 {
			v.add(at(path, i), "* is all of them: it stands alone")
		}
	}
}

// applicationOrigins checks the origins of an application's own pages.
func (v *checker) applicationOrigins(path []any, origins []string) {
	for i, origin := range origins {
		if fault := originFault(origin); fault != "" {
			v.add(at(path, i), "%q %s", origin, fault)
		}
		if slices.Contains(origins[:i], origin) {
			v.add(at(path, i), "%q stands twice", origin)
		}
	}
}
