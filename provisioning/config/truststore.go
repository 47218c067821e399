package config

import "strings"

// Authorities are the certificates of a PKCS #12 or JKS file against which
// upstreams are verified that state no ca of their own.
type Authorities struct {
	Location File   `yaml:"location"` // its Data is PEM once it has been read
	Password Secret `yaml:"password"`
}

// trust gives them to the upstreams that are spoken to over https.
func (c *Config) trust() {
	if c.TrustStore == nil || c.TrustStore.Location.IsZero() {
		return
	}
	for i := range c.APIs {
		c.APIs[i].Upstream.trust(c.TrustStore.Location)
	}
	for level := range c.AllLevels() {
		if route := level.Policies.Route; route != nil {
			for i := range route.Rules {
				if u := route.Rules[i].Upstream; u != nil {
					u.trust(c.TrustStore.Location)
				}
			}
		}
	}
}

func (u *Upstream) trust(authorities File) {
	secure := false
	for _, target := range u.Targets {
		secure = secure || strings.HasPrefix(strings.ToLower(target.URL), "https://")
	}
	if !secure {
		return
	}
	if u.TLS == nil {
		u.TLS = new(UpstreamTLS)
	}
	if u.TLS.CA.IsZero() {
		u.TLS.CA = authorities
	}
}
