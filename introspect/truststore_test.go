package introspect_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"go.uber.org/zap"
	"software.sslmate.com/src/go-pkcs12"

	"postern/introspect"
	"postern/provisioning/config"
)

const storePassword = "changeit"

func withStore(data []byte, password, alias string) config.AuthServer {
	return withDefaults(config.AuthServer{
		Name: "corp", Issuer: config.Issuer{Value: issuer},
		Local: &config.LocalIntrospection{Truststore: &config.Truststore{
			File: config.File{Path: "/trust.p12", Data: data}, Password: config.NewSecret(password), Alias: alias,
		}},
	})
}

// named certificates of a store under test.
func storeEntries() map[string]*x509.Certificate {
	from, until := time.Unix(0, 0), at.Add(time.Hour)
	return map[string]*x509.Certificate{
		"issuer": certificateOf(edSigner(), from, until), "other": certificateOf(ecSigner(), from, until),
	}
}

func p12(t testing.TB, encoder *pkcs12.Encoder, password string, entries map[string]*x509.Certificate) []byte {
	t.Helper()
	var list []pkcs12.TrustStoreEntry
	for alias, c := range entries {
		list = append(list, pkcs12.TrustStoreEntry{Cert: c, FriendlyName: alias})
	}
	return must(encoder.EncodeTrustStoreEntries(list, password))
}

func jks(t testing.TB, password string, entries map[string]*x509.Certificate) []byte {
	t.Helper()
	store := keystore.New()
	for alias, c := range entries {
		entry := keystore.TrustedCertificateEntry{CreationTime: at, Certificate: keystore.Certificate{Type: "X509", Content: c.Raw}}
		if err := store.SetTrustedCertificateEntry(alias, entry); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := store.Store(&b, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pairStore is a JKS file with a private key, of which only the certificate is read.
func pairStore(t testing.TB) []byte {
	store := keystore.New()
	leaf := keystore.Certificate{Type: "X509", Content: storeEntries()["issuer"].Raw}
	entry := keystore.PrivateKeyEntry{
		CreationTime: at, PrivateKey: must(x509.MarshalPKCS8PrivateKey(edKey())), CertificateChain: []keystore.Certificate{leaf},
	}
	if err := store.SetPrivateKeyEntry("issuer", entry, []byte("another password")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := store.Store(&b, []byte(storePassword)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTruststore(t *testing.T) {
	all := storeEntries()
	sole := map[string]*x509.Certificate{"issuer": all["issuer"]}
	pair := must(pkcs12.Modern.Encode(rsaKeys()[0], certificateOf(rsaSigner(0), time.Unix(0, 0), at), nil, storePassword))
	tests := []struct {
		name, password, alias string
		store                 []byte
		signer                signer
	}{
		{"JKS", storePassword, "issuer", jks(t, storePassword, all), edSigner()},
		{"JKS, alias in another case", storePassword, "Issuer", jks(t, storePassword, all), edSigner()},
		{"JKS, the only one", storePassword, "", jks(t, storePassword, sole), edSigner()},
		{"JKS of a private key", storePassword, "issuer", pairStore(t), edSigner()},
		{"PKCS #12", storePassword, "issuer", p12(t, pkcs12.Modern, storePassword, all), edSigner()},
		{"PKCS #12, the other one", storePassword, "OTHER", p12(t, pkcs12.Modern, storePassword, all), ecSigner()},
		{"PKCS #12, the only one", storePassword, "", p12(t, pkcs12.Modern, storePassword, sole), edSigner()},
		{"PKCS #12 without a password", "", "issuer", p12(t, pkcs12.Passwordless, "", all), edSigner()},
		{"PKCS #12 of old, the only one", storePassword, "", p12(t, pkcs12.LegacyRC2, storePassword, sole), edSigner()},
		{"PKCS #12 of old, DES", storePassword, "", p12(t, pkcs12.LegacyDES, storePassword, sole), edSigner()},
		{"PKCS #12 of a private key", storePassword, "", pair, rsaSigner(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, view := open(t, withStore(tt.store, tt.password, tt.alias))
			if err := judge(view, tt.signer.token(claims(time.Now(), ""))); err != nil {
				t.Error(err)
			}
			if err := judge(view, rsaSigner(2).token(claims(time.Now(), ""))); err == nil {
				t.Error("another key's token passed")
			}
		})
	}
}

// What says SHA-256 in a file's integrity check, and nothing.
var (
	sha256Identifier  = must(asn1.Marshal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}))
	unknownIdentifier = must(asn1.Marshal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 9}))
)

// hashedTooOften is a PKCS #12 file without content whose integrity is checked by
// PBMAC1.
func hashedTooOften() []byte {
	type algorithm struct {
		ID     asn1.ObjectIdentifier
		Params any
	}
	null := asn1.RawValue{Tag: asn1.TagNull}
	sha256 := algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, null}
	hashing := algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
		Salt            []byte
		Iterations, Key int
		PRF             algorithm
	}{[]byte("salt"), 1_000_001, 32, sha256}}
	mac := algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}, struct{ KDF, MAC algorithm }{hashing, sha256}}
	content := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: must(asn1.Marshal(must(asn1.Marshal([]int{}))))}
	return must(asn1.Marshal(struct {
		Version int
		Safe    algorithm
		MAC     struct {
			Digest struct {
				Algorithm algorithm
				Value     []byte
			}
			Salt []byte
		}
	}{3, algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}, content}, struct {
		Digest struct {
			Algorithm algorithm
			Value     []byte
		}
		Salt []byte
	}{struct {
		Algorithm algorithm
		Value     []byte
	}{mac, []byte("digest")}, []byte("salt")}}))
}

func TestFaultyTruststore(t *testing.T) {
	all := storeEntries()
	old, modern := jks(t, storePassword, all), p12(t, pkcs12.Modern, storePassword, all)
	bomb := bytes.Clone(old)
	binary.BigEndian.PutUint32(bomb[8:], 1<<31)
	longAlias := bytes.Clone(old)
	binary.BigEndian.PutUint16(longAlias[16:], 1<<15)
	tests := []struct {
		name, password, alias, want string
		store                       []byte
	}{
		{"JKS without that alias", storePassword, "corp", `truststore: has no alias "corp"; it holds "issuer", "other"`, old},
		{"PKCS #12 without that alias", storePassword, "corp", `truststore: has no alias "corp"; it holds "issuer", "other"`, modern},
		{"no alias said", storePassword, "", `alias must name one of "issuer", "other"`, modern},
		{"names that cannot be read", storePassword, "issuer", "aliases cannot be read", p12(t, pkcs12.LegacyRC2, storePassword, all)},
		{"no certificate", storePassword, "issuer", "holds no certificate", jks(t, storePassword, nil)},
		{"JKS, wrong password", "wrong", "issuer", "password is wrong", old},
		{"PKCS #12, wrong password", "wrong", "issuer", "password is wrong", modern},
		{"PKCS #12, no password", "", "issuer", "password is wrong", modern},
		{"PKCS #12 without integrity", storePassword, "issuer", "password is wrong", p12(t, pkcs12.Passwordless, "", all)},
		{"PKCS #12 with an integrity check that nobody knows", storePassword, "issuer", "MAC digest algorithm not supported", bytes.Replace(modern, sha256Identifier, unknownIdentifier, 1)},
		{"PKCS #12 hashed too often", storePassword, "issuer", "hashed more than", p12(t, pkcs12.Modern.WithIterations(1_000_001), storePassword, nil)},
		{"PKCS #12 hashed too often, by PBMAC1", storePassword, "issuer", "hashed more than", hashedTooOften()},
		{"JKS cut off", storePassword, "issuer", "cut off or damaged", old[:len(old)-1]},
		{"JKS of two billion entries", storePassword, "issuer", "cut off or damaged", bomb},
		{"JKS with an alias beyond its end", storePassword, "issuer", "cut off or damaged", longAlias},
		{"JKS altered", storePassword, "issuer", "damaged", append(bytes.Clone(old[:len(old)-1]), 0)},
		{"JCEKS", storePassword, "issuer", "JCEKS", []byte("\xce\xce\xce\xce")},
		{"PEM", storePassword, "issuer", "neither PKCS #12 nor JKS", publicPEM(edSigner())},
		{"empty", storePassword, "issuer", "neither PKCS #12 nor JKS", nil},
		{"PKCS #12 cut off", storePassword, "issuer", "parse PKCS #12", modern[:100]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rules := introspect.Rules{Servers: []config.AuthServer{withStore(tt.store, tt.password, tt.alias)}, Tokens: defaults}
			_, err := introspect.New(rules, nil, zap.NewNop())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), storePassword) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// Files that Java's keytool (-importcert into JKS and PKCS12, -genkeypair) and
// openssl 3 (pkcs12 -export -name issuer) have made.
func TestTruststoresOfOthers(t *testing.T) {
	for _, name := range []string{"keytool.jks", "keytool.p12", "keytool-pair.p12", "openssl.p12"} {
		t.Run(name, func(t *testing.T) {
			data := must(os.ReadFile(filepath.Join("testdata/truststore", name)))
			set, _ := open(t, withStore(data, storePassword, "Issuer"))
			if st := set.Status()[0]; len(st.Keys) != 1 || st.Keys[0].NotAfter.IsZero() {
				t.Errorf("status %+v", st)
			}
		})
	}
}

// A reload compares the file, its password and the alias.
func TestTruststoreIsKeptOverAReload(t *testing.T) {
	data := jks(t, storePassword, storeEntries())
	set, view := open(t, withStore(data, storePassword, "issuer"))
	token := edSigner().token(claims(time.Now(), ""))
	if err := judge(view, token); err != nil {
		t.Fatal(err)
	}
	server := withStore(data, storePassword, "other")
	after := next(t, set, defaults, server)
	if err := judge(viewOf(t, after, server), token); err == nil {
		t.Error("the alias has changed, and the key has not")
	}
}

// TestTruststoreOfManySafes: each safe has its password hashed anew.
func TestTruststoreOfManySafes(t *testing.T) {
	type content struct {
		Type asn1.ObjectIdentifier
		Text []byte `asn1:"tag:0,explicit"`
	}
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	file := must(asn1.Marshal(struct {
		Version int
		Safe    content
	}{3, content{data, must(asn1.Marshal(slices.Repeat([]content{{data, must(asn1.Marshal([]content{}))}}, 17)))}}))
	_, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{withStore(file, storePassword, "")}, Tokens: defaults}, nil, zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), "more than 16 safes") {
		t.Error(err)
	}
}
