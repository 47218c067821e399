package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"postern/provisioning/config"
)

// TLS builds how a server is spoken to; nil is the default. Its certificate is
// always verified. The error is config.Faults with paths relative to cfg.
func TLS(cfg *config.UpstreamTLS) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg == nil {
		return c, nil
	}
	c.ServerName = cfg.ServerName
	if cfg.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if !cfg.CA.IsZero() {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(cfg.CA.Data) {
			return nil, config.Faults{{Path: []any{"ca"}, Message: fmt.Sprintf("no certificate in %s", cfg.CA.Path)}}
		}
	}
	if !cfg.Certificate.IsZero() {
		pair, err := tls.X509KeyPair(cfg.Certificate.Data, cfg.Key.Data)
		if err != nil {
			return nil, config.Faults{{Path: []any{"certificate"}, Message: fmt.Sprintf("read %s with its key: %v", cfg.Certificate.Path, err)}}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
