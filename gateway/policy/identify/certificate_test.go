package identify_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"postern/gateway/metrics"
	"postern/gateway/policy/identify"
	"postern/provisioning/config"
)

// TestCertificates: who shows a certificate is its application, while it is valid.
func TestCertificates(t *testing.T) {
	now := time.Now()
	good, expired, early, unknown := shown(t, now.Add(-time.Hour), now.Add(time.Hour)), shown(t, now.Add(-2*time.Hour), now.Add(-time.Hour)), shown(t, now.Add(time.Hour), now.Add(2*time.Hour)), shown(t, now, now.Add(time.Hour))
	shop, old := config.Application{Name: "shop", ID: "shop", APIs: []string{"shop"}}, config.Application{Name: "old", ID: "old", APIs: []string{"shop"}, Suspended: true}
	shop.Identify.Certificates = []config.ClientCertificate{good, expired, early}
	gone := shown(t, now, now.Add(time.Hour))
	old.Identify.Certificates = []config.ClientCertificate{gone}
	for _, tt := range []struct {
		name        string
		certificate *config.ClientCertificate
		needs, want string
		anonymous   bool
	}{
		{"of an application", &good, "registered", "shop by certificate", false},
		{"none", nil, "registered", "unidentified", false},
		{"of nobody", &unknown, "registered", "invalid_credential", false},
		{"expired", &expired, "registered", "invalid_credential", false},
		{"not yet valid", &early, "registered", "invalid_credential", false},
		{"of a suspended application", &gone, "all", "invalid_credential", false},
		{"of nobody, where no application is needed", &unknown, "none", " by certificate", false},
		{"expired, where no application is needed", &expired, "none", "invalid_credential", false},
		{"of a suspended application, where none is needed", &gone, "none", "invalid_credential", false},
		{"none, where no application is needed", nil, "none", "unidentified", false},
		{"none, anonymous", nil, "registered", "anonymous", true},
		{"of nobody, anonymous", &unknown, "registered", "invalid_credential", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := &config.API{Name: "shop", Policies: config.Policies{Identify: &config.Identify{By: []string{"certificate"}, Applications: tt.needs, Anonymous: tt.anonymous}}}
			x := request(t)
			if tt.certificate != nil {
				_, x.Certificate, _ = tt.certificate.Parse()
			}
			err := build(api, identify.Believed{}, metrics.New(metrics.Sources{}), shop, old)(pass)(x)
			if got := told(x, err); got != tt.want {
				t.Errorf("%q (%s), want %q", got, x.Reason, tt.want)
			}
		})
	}
}

// shown is a certificate that is valid for a time.
func shown(t *testing.T, since, till time.Time) config.ClientCertificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: since, NotAfter: till}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return config.ClientCertificate{File: config.File{Path: "c.pem", Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}}
}
