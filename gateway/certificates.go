package gateway

import (
	"crypto/x509"
	"encoding/pem"

	"postern/gateway/metrics"
	"postern/introspect"
	"postern/provisioning/config"
)

// certificates are those that the connections of a configuration depend on.
// Several with the same use, file and subject, such as the old and the new one
// of an authority, count as the one that is valid longest.
func certificates(cfg *config.Config) []metrics.Certificate {
	c := certificateList{known: map[[3]string]int{}}
	if t := cfg.TLS; t != nil {
		for i := range t.Certificates {
			c.add("listener", t.Certificates[i].Certificate)
		}
		c.add("client_ca", t.ClientCA)
	}
	for i := range cfg.APIs {
		c.upstream(&cfg.APIs[i].Upstream)
	}
	for l := range cfg.AllLevels() {
		if r := l.Policies.Route; r != nil {
			for i := range r.Rules {
				c.upstream(r.Rules[i].Upstream)
			}
		}
	}
	return c.all
}

// upstream takes those of an upstream; nil: there is none.
func (l *certificateList) upstream(u *config.Upstream) {
	if u != nil && u.TLS != nil {
		l.add("upstream", u.TLS.Certificate)
		l.add("upstream_ca", u.TLS.CA)
	}
}

// certificateList holds a certificate once for its use, file and subject.
type certificateList struct {
	all   []metrics.Certificate
	known map[[3]string]int // positions in all
}

// add takes the certificates of a PEM file. What is not readable has been
// refused, or is not used.
func (l *certificateList) add(use string, f config.File) {
	for rest := f.Data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return
		}
		if parsed, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			l.one(metrics.Certificate{Use: use, File: f.Path, Subject: parsed.Subject.String(), Expires: parsed.NotAfter})
		}
	}
}

func (l *certificateList) one(c metrics.Certificate) {
	key := [3]string{c.Use, c.File, c.Subject}
	at, known := l.known[key]
	switch {
	case !known:
		l.known[key] = len(l.all)
		l.all = append(l.all, c)
	case l.all[at].Expires.Before(c.Expires):
		l.all[at].Expires = c.Expires
	}
}

// keyCertificates are those of the keys that auth servers have now.
func keyCertificates(servers []introspect.ServerStatus) []metrics.Certificate {
	c := certificateList{known: map[[3]string]int{}}
	for _, s := range servers {
		for _, k := range s.Keys {
			if !k.NotAfter.IsZero() {
				c.one(metrics.Certificate{Use: "auth_server", File: s.Source, Subject: k.Subject, Expires: k.NotAfter})
			}
		}
	}
	return c.all
}
