package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/gateway/store"
	"postern/gateway/store/redistest"
	"postern/provisioning/config"
)

// certify makes a certificate that signs itself, for a server and its clients.
func certify(t *testing.T) (certificate, key config.File) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, DNSNames: []string{"redis.internal"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, bytes []byte) config.File {
		f := config.File{Path: filepath.Join(t.TempDir(), name), Data: pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})}
		if err := os.WriteFile(f.Path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	return write("redis.crt", "CERTIFICATE", der), write("redis.key", "PRIVATE KEY", secret)
}

func TestTLS(t *testing.T) {
	certificate, key := certify(t)
	other, _ := certify(t)
	redis := redistest.Start(t, "--port", "0", "--tls-cert-file", certificate.Path, "--tls-key-file", key.Path, "--tls-ca-cert-file", certificate.Path)
	for _, tt := range []struct {
		name, says string // "": it works
		tls        *config.UpstreamTLS
	}{
		{"both sides show certificates", "", &config.UpstreamTLS{CA: certificate, Certificate: certificate, Key: key}},
		{"another name", "", &config.UpstreamTLS{CA: certificate, Certificate: certificate, Key: key, ServerName: "redis.internal", MinVersion: "1.3"}},
		{"a wrong name", "not else", &config.UpstreamTLS{CA: certificate, Certificate: certificate, Key: key, ServerName: "else"}},
		// TLS 1.3 refuses after the handshake: what has been written by then may meet a closed connection.
		{"no certificate", "certificate required|connection reset|broken pipe|EOF", &config.UpstreamTLS{CA: certificate}},
		{"another authority", "unknown authority", &config.UpstreamTLS{CA: other, Certificate: certificate, Key: key}},
		{"no TLS", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := section(redis.Address)
			cfg.TLS = tt.tls
			c := start(t, cfg)
			if tt.says == "" && tt.tls != nil {
				c.until(store.Up)
				c.take(hourly, "")
				return
			}
			c.until(store.Away)
			if told := c.Status().LastError; told == "" || !regexp.MustCompile(tt.says).MatchString(told) {
				t.Errorf("told %q", told)
			}
		})
	}
}

func TestFaultyTLS(t *testing.T) {
	cfg := section("127.0.0.1:1")
	cfg.TLS = &config.UpstreamTLS{CA: config.File{Path: "x", Data: []byte("x")}}
	if _, err := store.New(cfg, store.Options{}); err == nil || !strings.Contains(err.Error(), "no certificate in x") {
		t.Errorf("error %v", err)
	}
}
