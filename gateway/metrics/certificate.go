package metrics

import "time"

// Certificate is one that connections depend on. Those of a gateway differ in
// use, file or subject.
type Certificate struct {
	Use     string // listener, client_ca, upstream, upstream_ca or auth_server
	File    string // or the address of a key set
	Subject string // a distinguished name
	Expires time.Time
}

func writeCertificates(p *page, certificates []Certificate) {
	if len(certificates) == 0 {
		return
	}
	f := family{"postern_certificate_expiry_timestamp_seconds", "gauge", "When the certificate is no longer valid."}
	p.begin(f)
	for _, c := range certificates {
		p.value(f, label("use", c.Use)+","+label("file", c.File)+","+label("subject", c.Subject), float64(c.Expires.Unix()))
	}
}
