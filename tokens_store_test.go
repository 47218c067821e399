package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

const storePassword = "changeit"

// selfSigned is a certificate of a key, signed by it.
func selfSigned(t *testing.T, name string, key crypto.Signer) *x509.Certificate {
	t.Helper()
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// javaStore is a JKS file with a private key for each name.
func javaStore(t *testing.T, keys map[string]crypto.Signer) []byte {
	t.Helper()
	made := jks.New()
	for name, key := range keys {
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		entry := jks.PrivateKeyEntry{
			CreationTime: time.Now(), PrivateKey: private,
			CertificateChain: []jks.Certificate{{Type: "X509", Content: selfSigned(t, name, key).Raw}},
		}
		if err := made.SetPrivateKeyEntry(name, entry, []byte(storePassword)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := made.Store(&b, []byte(storePassword)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inDirWithStores is inDir with both kinds of Java stores.
func inDirWithStores(t *testing.T) {
	inDir(t)
	t.Setenv("STORE", storePassword)
	t.Setenv("OTHER", "another")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curveKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sole, err := pkcs12.Modern.Encode(rsaKey, selfSigned(t, "rsa", rsaKey), nil, storePassword)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"sole.p12": sole,
		"both.jks": javaStore(t, map[string]crypto.Signer{"rsa": rsaKey, "curve": curveKey}),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTokenStores: an entry of a Java store signs, and its certificate verifies.
func TestTokenStores(t *testing.T) {
	inDirWithStores(t)
	for _, tt := range []struct{ store, alg string }{
		{"--key sole.p12 --store-password-env STORE", "RS256"},
		{"--key both.jks --store-password-env STORE --alias rsa", "RS256"},
		{"--key both.jks --store-password-env STORE --alias curve", "ES256"},
	} {
		t.Run(tt.store, func(t *testing.T) {
			from := strings.Fields(tt.store)
			signed := strings.TrimSpace(succeed(t, "", append([]string{"token", "sign", "--subject", "alice"}, from...)...))
			if header, _ := parts(t, signed); header["alg"] != tt.alg {
				t.Errorf("header %v, want %s", header, tt.alg)
			}
			succeed(t, "", append([]string{"token", "verify", signed}, from...)...)
			stranger := strings.TrimSpace(succeed(t, "", "token", "sign", "--key", "private.pem"))
			if code, _, stderr := command(t, append([]string{"token", "verify", stranger}, from...)...); code != 1 || !strings.Contains(stderr, "refused: ") {
				t.Errorf("another key's token: exit code %d, %q", code, stderr)
			}
		})
	}
}

func TestTokenStoresRefuse(t *testing.T) {
	inDirWithStores(t)
	for _, tt := range []struct{ flags, want string }{
		{"--key both.jks --store-password-env STORE", "holds several private keys, so alias must name one of curve, rsa"},
		{"--key both.jks --store-password-env STORE --alias none", `holds no private key with alias "none"`},
		{"--key both.jks --store-password-env OTHER --alias rsa", "the password is wrong"},
		{"--key both.jks --store-password-env NOT_SET --alias rsa", "$NOT_SET is not set"},
		{"--key both.jks --alias rsa", "state --store-password-env too"},
		{"--key-env OTHER --store-password-env STORE", "state --key too"},
		{"--key private.pem --store-password-env STORE", "private.pem is neither PKCS #12 nor JKS"},
		{"--key none.p12 --store-password-env STORE", "none.p12"},
	} {
		t.Run(tt.flags, func(t *testing.T) {
			code, out, stderr := command(t, append([]string{"token", "sign"}, strings.Fields(tt.flags)...)...)
			if code != 1 || out != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q, %q; want %q", code, out, stderr, tt.want)
			}
			if strings.Contains(stderr, storePassword) {
				t.Errorf("the password is told: %q", stderr)
			}
		})
	}
}
