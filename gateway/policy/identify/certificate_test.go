package identify_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"strings"
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

// Behind a mesh everybody shows a certificate, chosen or not. One that is
// verified and of no application leaves it to the other ways of a level to find
// out who calls; nobody passes by it.
func TestCertificatesOfNobodyBesideOtherWays(t *testing.T) {
	now := time.Now()
	good, unknown, far := shown(t, now.Add(-time.Hour), now.Add(time.Hour)), shown(t, now.Add(-time.Hour), now.Add(time.Hour)), shown(t, now.Add(-time.Hour), now.Add(time.Hour))
	apps := known(t)
	apps[0].Identify.Certificates, apps[3].Identify.Certificates = []config.ClientCertificate{good}, []config.ClientCertificate{far}
	old := shown(t, now.Add(-time.Hour), now.Add(time.Hour))
	apps[2].Identify.Certificates = []config.ClientCertificate{old}
	const key = "X-Gateway-APIKey: "
	for _, tt := range []struct {
		name        string
		by          string
		combine     string
		certificate config.ClientCertificate
		line        string
		anonymous   bool
		want        string
	}{
		{"of nobody, and a key", "certificate, api_key", "or", unknown, key + "shop-key", false, "shop by api_key"},
		{"a key, and of nobody", "api_key, certificate", "or", unknown, key + "shop-key", false, "shop by api_key"},
		{"of an application of other APIs, and a key", "certificate, api_key", "or", far, key + "shop-key", false, "shop by api_key"},
		{"of a suspended application, and a key", "certificate, api_key", "or", old, key + "shop-key", false, "invalid_credential"},
		{"of an application, and another one's key", "certificate, api_key", "or", good, key + "batch-key", false, "shop by certificate"},
		{"of nobody, and a wrong key", "certificate, api_key", "or", unknown, key + "wrong", false, "invalid_credential"},
		{"of nobody, and no key", "certificate, api_key", "or", unknown, "", false, "invalid_credential"},
		{"of nobody, and no key, where nobody may pass", "api_key, certificate", "or", unknown, "", true, "invalid_credential"},
		{"of nobody, from an address", "certificate, ip", "or", unknown, "", false, "shop by ip"},
		{"of nobody, and a key, where both are needed", "api_key, certificate", "and", unknown, key + "shop-key", false, "invalid_credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := &config.Identify{By: strings.Split(tt.by, ", "), Combine: tt.combine, Applications: "registered", Anonymous: tt.anonymous}
			id.APIKey = &config.TokenSource{Header: "X-Gateway-APIKey", Scheme: config.NoScheme}
			api := &config.API{Name: "shop", Policies: config.Policies{Identify: id}}
			x := request(t, tt.line)
			x.Address = netip.MustParseAddr("192.0.2.1")
			_, x.Certificate, _ = tt.certificate.Parse()
			err := build(api, identify.Believed{}, metrics.New(metrics.Sources{}), apps...)(pass)(x)
			if got := told(x, err); got != tt.want {
				t.Errorf("%q (%s), want %q", got, x.Reason, tt.want)
			}
		})
	}
}
