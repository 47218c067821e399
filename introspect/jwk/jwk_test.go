package jwk_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"postern/introspect/jwk"
)

// The key and its thumbprint of RFC 7638, 3.1.
const rfc7638 = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`

// The key and its thumbprint of RFC 8037, A.2 and A.3; A.1 has the private half.
const (
	rfc8037        = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	rfc8037Private = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

func TestThumbprint(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"RFC 7638", rfc7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037", rfc8037, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{"a private key has that of its public half", rfc8037Private, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := jwk.Read([]byte(tt.text))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if got, err := found[0].Thumbprint(); got != tt.want || err != nil {
				t.Errorf("%s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func block(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestRead(t *testing.T) {
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err2 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ec)
	private := block("PRIVATE KEY", pkcs8, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	pkix, err3 := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err4 := x509.CreateCertificate(rand.Reader, template, template, &ec.PublicKey, ec)
	for _, tt := range []struct {
		name, text string
		keys       int
		private    bool
		id, alg    string
	}{
		{name: "PKCS #8", text: private, keys: 1, private: true},
		{name: "as openssl ecparam writes it", text: block("EC PARAMETERS", []byte{6, 0}, nil) + block("EC PRIVATE KEY", sec1, err), keys: 1, private: true},
		{name: "PKCS #1", text: block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs), nil), keys: 1, private: true},
		{name: "PKCS #1, public", text: block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rs.PublicKey), nil), keys: 1},
		{name: "public", text: block("PUBLIC KEY", pkix, err3), keys: 1},
		{name: "certificate", text: block("CERTIFICATE", der, err4), keys: 1},
		{name: "two", text: block("PUBLIC KEY", pkix, err3) + "\n" + block("CERTIFICATE", der, err4), keys: 2},
		{name: "JWK", text: rfc7638, keys: 1, id: "2011-04-29", alg: "RS256"},
		{name: "private JWK", text: rfc8037Private, keys: 1, private: true},
		{name: "JWKS", text: ` {"keys":[` + rfc7638 + `,` + rfc8037 + `]}`, keys: 2, id: "2011-04-29", alg: "RS256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := jwk.Read([]byte(tt.text))
			if err != nil || len(found) != tt.keys {
				t.Fatal(found, err)
			}
			k := found[0]
			if k.Public == nil || (k.Private != nil) != tt.private || k.ID != tt.id || k.Algorithm != tt.alg {
				t.Errorf("%+v", k)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	const marker = "c2VjcmV0LW1hcmtlcg"
	for _, tt := range []struct{ name, text, want string }{
		{"text", marker, "neither PEM nor a JSON Web Key"},
		{"broken JSON", `{"kty":"oct","k":"` + marker, "the JSON cannot be read"},
		{"no key", `{"keys":[]}`, "the key set is empty"},
		{"a key without its parts", `{"kty":"EC","crv":"P-256","d":"` + marker + `"}`, "not a usable JSON Web Key"},
		{"another point", `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`, ""},
		{"encrypted", block("ENCRYPTED PRIVATE KEY", []byte(marker), nil), "it is encrypted"},
		{"a request", block("CERTIFICATE REQUEST", []byte(marker), nil), "it is not a key"},
		{"broken PEM", "-----BEGIN PRIVATE KEY-----\n" + marker, "no PEM block can be read"},
		{"broken DER", block("PRIVATE KEY", []byte(marker), nil), "read PRIVATE KEY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := jwk.Read([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), marker) {
				t.Errorf("%v, error %v, want %q", found, err, tt.want)
			}
		})
	}
}

// TestWrite: what is written is read as the same key.
func TestWrite(t *testing.T) {
	for _, alg := range []string{"RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			made, err := jwk.New(alg, 2048)
			if err != nil {
				t.Fatal(err)
			}
			j, err := made.JWK()
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(j)
			if err != nil || strings.Contains(string(text), `"d"`) {
				t.Fatalf("%s, %v", text, err)
			}
			found, err := jwk.Read(text)
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if found[0].Algorithm != alg || found[0].Private != nil {
				t.Errorf("%+v", found[0])
			}
			want, err1 := made.Thumbprint()
			got, err2 := found[0].Thumbprint()
			if got != want || err1 != nil || err2 != nil {
				t.Errorf("thumbprint %s, want %s: %v, %v", got, want, err1, err2)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(rfc7638))
	f.Add([]byte(`{"keys":[` + rfc8037Private + `]}`))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := jwk.Read(data)
		for _, k := range found {
			if err != nil || (k.Public == nil) == (k.Secret == nil) || len(k.Algorithms()) == 0 {
				t.Fatalf("%+v, %v", k, err)
			}
		}
	})
}
