package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

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
	if cfg.SelfSigned {
		made, err := selfSigned(time.Now())
		if err != nil {
			return nil, config.Faults{{Path: []any{"tls", "self_signed"}, Message: err.Error()}}
		}
		c.Certificates = append(c.Certificates, made)
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

// selfSigned makes a certificate for a year that nobody vouches for.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "postern"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
