package config

import (
	"net/netip"
	"strings"
	"time"
)

// CORS says pages of which other origins may use an API.
type CORS struct {
	None          bool     // the word "none": no policy, whatever outer levels say
	Origins       []Origin `yaml:"origins"`
	Methods       []string `yaml:"methods"`        // empty: those of the resource; GET also means HEAD
	Headers       []string `yaml:"headers"`        // of requests; Wildcard: all
	ExposeHeaders []string `yaml:"expose_headers"` // of answers; Wildcard: all
	Credentials   bool     `yaml:"credentials"`
	MaxAge        Duration `yaml:"max_age"` // whole seconds; default 5s, as browsers have it
}

// Origin is an origin as browsers write it, some of them, or a pattern.
type Origin struct {
	Text    string // scheme://host[:port], *. before the host for all below it, NullOrigin or Wildcard
	Pattern string // RE2, the whole origin; instead of Text
}

// Words for origins and fields.
const (
	Wildcard   = "*"
	NullOrigin = "null"
)

func (c *CORS) setDefaults() {
	if !c.None {
		setDefault(&c.MaxAge, Duration(5*time.Second))
	}
	for i := range c.Origins {
		c.Origins[i].Text = canonicalOrigin(c.Origins[i].Text)
	}
}

// canonicalOrigin is an origin as browsers write it: small letters, no default
// port. What is none stays what it is.
func canonicalOrigin(text string) string {
	text = strings.ToLower(text)
	switch scheme, host, _ := strings.Cut(text, "://"); scheme {
	case "http":
		return "http://" + strings.TrimSuffix(host, ":80")
	case "https":
		return "https://" + strings.TrimSuffix(host, ":443")
	}
	return text
}

// originFault says why text is no origin, or "".
func originFault(text string) string {
	scheme, host, ok := strings.Cut(text, "://")
	switch {
	case !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "":
		return "is not scheme://host, such as https://shop.example.com"
	case strings.ContainsAny(host, "/?#"):
		return "must end with the host or its port: an origin has no path"
	case strings.Contains(host, "@"):
		return "must not hold a user"
	case !validHostPort(host):
		return "has no valid host after ://; names beyond ASCII are written in their xn-- form"
	}
	if name, _, _ := strings.Cut(host, ":"); strings.HasSuffix(name, ".") {
		return "ends with a dot"
	}
	return ""
}

// wildcardFault is originFault for one that begins with *. after its scheme.
func wildcardFault(text string) string {
	scheme, host, _ := strings.Cut(text, "://*.")
	name, _, _ := strings.Cut(host, ":")
	if _, err := netip.ParseAddr(name); err == nil {
		return "is an address, which has no names below it"
	}
	if !strings.Contains(name, ".") && name != "localhost" {
		return "takes in everybody's names: at least two labels must follow the asterisk"
	}
	return originFault(scheme + "://" + host)
}
