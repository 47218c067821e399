package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"postern/provisioning/config"
)

// serverTLS builds how the https listener speaks; nil without a section. The
// error is config.Faults.
func serverTLS(cfg *config.TLS) (*tls.Config, error) {
	if cfg == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	var faults config.Faults
	for i, pair := range cfg.Certificates {
		certificate, err := tls.X509KeyPair(pair.Certificate.Data, pair.Key.Data)
		if err != nil {
			faults = append(faults, config.Fault{
				Path:    []any{"tls", "certificates", i, "certificate"},
				Message: fmt.Sprintf("read %s with its key %s: %v", pair.Certificate.Path, pair.Key.Path, err),
			})
			continue
		}
		c.Certificates = append(c.Certificates, certificate)
	}
	if !cfg.ClientCA.IsZero() {
		c.ClientCAs = x509.NewCertPool()
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if cfg.ClientAuth == "require" {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
		if !c.ClientCAs.AppendCertsFromPEM(cfg.ClientCA.Data) {
			faults = append(faults, config.Fault{Path: []any{"tls", "client_ca"}, Message: fmt.Sprintf("no certificate in %s", cfg.ClientCA.Path)})
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}
