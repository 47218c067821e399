package introspect_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

func rsaJWK(n, e string) string {
	return fmt.Sprintf(`{"kid":"odd","kty":"RSA","n":%q,"e":%q}`, n, e)
}

// edJWK is a point that begins with what is in hexadecimal; n bytes more are
// zero or, before an end of 0x7f, all ones.
func edJWK(begin string, n int, end ...byte) string {
	filler := "\x00"
	if len(end) > 0 && end[0] == 0x7f {
		filler = "\xff"
	}
	point := string(must(hex.DecodeString(begin))) + strings.Repeat(filler, n)
	if len(end) > 0 {
		point = point[:31] + string(end)
	}
	return fmt.Sprintf(`{"kid":"odd","kty":"OKP","crv":"Ed25519","x":%q}`, b64(point))
}

// Each odd key stands beside a good one, which must go on working.
func TestKeysThatAreSkipped(t *testing.T) {
	good := rsaSigner(0)
	odd := signer{"odd", "RS256", rsaKeys()[1]}
	oddEC := signer{"odd", "ES256", ecKey()}
	tests := []struct{ name, key, reason string }{
		{"for encryption", odd.jwk(`,"use":"enc"`), `use is "enc"`},
		{"unregistered use", odd.jwk(`,"use":"wrap"`), `use is "wrap"`},
		{"empty use", odd.jwk(`,"use":""`), `use is ""`},
		{"use a number", odd.jwk(`,"use":1`), "parse key"},
		{"for signing only", odd.jwk(`,"key_ops":["sign"]`), "key_ops"},
		{"for nothing", odd.jwk(`,"key_ops":[]`), "key_ops"},
		{"alg of encryption", odd.jwk(`,"alg":"RSA-OAEP-256"`), `alg "RSA-OAEP-256"`},
		{"alg of another type", odd.jwk(`,"alg":"ES256"`), `alg "ES256"`},
		{"alg of a shared key", odd.jwk(`,"alg":"HS256"`), `alg "HS256"`},
		{"alg none", odd.jwk(`,"alg":"none"`), `alg "none"`},
		{"alg of another curve", oddEC.jwk(`,"alg":"ES512"`), `alg "ES512"`},
		{"shared key", `{"kid":"odd","kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}`, "shared key"},
		{"private key", odd.jwk(`,"d":"AQAB"`), "private key"},
		{"modulus of 1024 bits", rsaJWK(modulus(1024), "AQAB"), "1024 bits"},
		{"modulus of 2047 bits", rsaJWK(modulus(2047), "AQAB"), "2047 bits"},
		{"modulus of 16384 bits", rsaJWK(modulus(16384), "AQAB"), "16384 bits"},
		{"modulus even", rsaJWK(b64(string(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes())), "AQAB"), "even"},
		{"exponent 1", rsaJWK(modulus(2048), "AQ"), "out of range"},
		{"exponent even", rsaJWK(modulus(2048), "BA"), "exponent"},
		{"exponent that wraps around to 65537", rsaJWK(modulus(2048), b64("\x01\x00\x00\x00\x00\x00\x01\x00\x01")), "exponent"},
		{"bad base64", rsaJWK("*", "AQAB"), "base64"},
		{"no modulus", `{"kid":"odd","kty":"RSA","e":"AQAB"}`, `"n"`},
		{"point off its curve", `{"kid":"odd","kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, "curve"},
		{"curve of Bitcoin", `{"kid":"odd","kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"}`, "curve"},
		{"curve of key agreement", `{"kid":"odd","kty":"OKP","crv":"X25519","x":"` + b64(strings.Repeat("\x09", 32)) + `"}`, "no signature algorithm"},
		{"Ed448", `{"kid":"odd","kty":"OKP","crv":"Ed448","x":"AQ"}`, "curve"},
		{"Ed25519 zero", edJWK("00", 31), "small order"},
		{"Ed25519 the identity", edJWK("01", 31), "small order"},
		{"Ed25519 the identity with a sign", edJWK("01", 31, 0x80), "small order"},
		{"Ed25519 minus one", edJWK("ec", 30, 0x7f), "small order"},
		{"Ed25519 of order eight", edJWK("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", 0), "small order"},
		{"Ed25519 cut short", `{"kid":"odd","kty":"OKP","crv":"Ed25519","x":"AQ"}`, "32 bytes"},
		{"post-quantum", `{"kid":"odd","kty":"AKP","alg":"ML-DSA-44","pub":"AQ"}`, "key type"},
		{"no type", `{"kid":"odd"}`, "key type"},
		{"not an object", `"odd"`, "parse key"},
		{"null", `null`, "key type"},
		{"kid a number", `{"kid":7,"kty":"RSA"}`, "parse key"},
		{"kid too long", strings.Replace(odd.jwk(""), "odd", strings.Repeat("k", 600), 1), "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, view := open(t, withFile(jwks(tt.key, good.jwk(""))))
			if _, err := view.Introspect(context.Background(), good.token(claims(at, "")), at); err != nil {
				t.Fatalf("the good key beside it: %v", err)
			}
			status := set.Status()[0]
			if len(status.Keys) != 1 || len(status.Skipped) != 1 || !strings.Contains(status.Skipped[0].Reason, tt.reason) {
				t.Errorf("status %+v; want one key, and one skipped for %q", status, tt.reason)
			}
			if err := judge(view, odd.token(claims(time.Now(), ""))); err == nil {
				t.Error("the skipped key verified a token")
			}
		})
	}
}

func TestKeysThatWork(t *testing.T) {
	key, ec, ed := rsaSigner(0), ecSigner(), edSigner()
	tests := []struct {
		name, jwk string
		signer    signer
		algs      []string
	}{
		{"alg names the type, as webMethods serves it", key.jwk(`,"alg":"RSA"`), key, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
		{"alg names the algorithm", key.jwk(`,"alg":"RS256","use":"sig"`), key, []string{"RS256"}},
		{"EC by its type", ec.jwk(`,"alg":"EC"`), ec, []string{"ES256"}},
		{"Ed25519", ed.jwk(`,"alg":"EdDSA"`), ed, []string{"EdDSA"}},
		{"key_ops", key.jwk(`,"key_ops":["verify","encrypt"],"alg":"RS256"`), key, []string{"RS256"}},
		{"x5u is not fetched", key.jwk(`,"alg":"RS256","x5u":"https://evil.example/c"`), key, []string{"RS256"}},
		{"padding and unknown members", strings.Replace(key.jwk(`,"alg":"RS256","ext":{"a":[1]}`), `"AQAB"`, `"AQAB=="`, 1), key, []string{"RS256"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, view := open(t, withFile(jwks(tt.jwk)))
			if err := judge(view, tt.signer.token(claims(time.Now(), ""))); err != nil {
				t.Error(err)
			}
			want := []introspect.KeyStatus{{ID: tt.signer.id, Algorithms: tt.algs}}
			if diff := cmp.Diff(want, set.Status()[0].Keys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAKeyIsNotUsedForWhatItIsNotFor(t *testing.T) {
	key := rsaSigner(0)
	_, view := open(t, withFile(jwks(key.jwk(`,"alg":"RS512"`))))
	if err := judge(view, key.token(claims(time.Now(), ""))); !errors.Is(err, introspect.ErrAlgorithm) {
		t.Errorf("RS256 with a key for RS512: %v", err)
	}
	server := withFile(setOf(key, ecSigner()))
	server.Local.Algorithms = []string{"ES256"}
	_, view = open(t, server)
	if err := judge(view, key.token(claims(time.Now(), ""))); !errors.Is(err, introspect.ErrAlgorithm) {
		t.Errorf("RS256 where ES256 alone is allowed: %v", err)
	}
}

func TestPSSWithAnotherSaltIsRefused(t *testing.T) {
	key := rsaSigner(0).as("PS256")
	_, view := open(t, withFile(setOf(key)))
	text := b64(key.header()) + "." + b64(claims(time.Now(), ""))
	digest := sha256.Sum256([]byte(text))
	signature := must(rsa.SignPSS(rand.Reader, rsaKeys()[0], crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 8}))
	if err := judge(view, text+"."+b64(string(signature))); !errors.Is(err, introspect.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestSameKid(t *testing.T) {
	twin := func(s signer) string { s.id = "same"; return s.jwk("") }
	sign := func(s signer) string { s.id = "same"; return s.token(claims(time.Now(), "")) }
	tests := []struct {
		name string
		set  string
		want map[string]error // by algorithm of the first RSA key, and of the curve
	}{
		{"the same key twice", jwks(twin(rsaSigner(0)), twin(rsaSigner(0))), map[string]error{"RS256": nil, "ES256": introspect.ErrAlgorithm}},
		{"types that no token confuses", jwks(twin(rsaSigner(0)), twin(ecSigner())), map[string]error{"RS256": nil, "ES256": nil}},
		{"two keys of one type", jwks(twin(rsaSigner(0)), twin(rsaSigner(1)), twin(ecSigner())), map[string]error{"RS256": introspect.ErrAlgorithm, "ES256": nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, view := open(t, withFile(tt.set))
			for _, s := range []signer{rsaSigner(0), ecSigner()} {
				if err := judge(view, sign(s)); !errors.Is(err, tt.want[s.alg]) || (err == nil) != (tt.want[s.alg] == nil) {
					t.Errorf("%s: got %v, want %v", s.alg, err, tt.want[s.alg])
				}
			}
		})
	}
}

func TestWithoutKidFewKeysAreTried(t *testing.T) {
	set := func(n int) string {
		var keys []string
		for i := range n - 1 {
			keys = append(keys, signer{fmt.Sprint("k", i), "RS256", rsaKeys()[1]}.jwk(""))
		}
		return jwks(append(keys, rsaSigner(0).jwk(""))...)
	}
	token := rsaSigner(0).sign(`{"alg":"RS256"}`, claims(time.Now(), ""))
	if _, view := open(t, withFile(set(8))); judge(view, token) != nil {
		t.Errorf("8 keys: %v", judge(view, token))
	}
	if _, view := open(t, withFile(set(9))); !errors.Is(judge(view, token), introspect.ErrKey) {
		t.Errorf("9 keys: %v", judge(view, token))
	}
}

// certificatePEM is a self-signed certificate.
func certificatePEM(s signer) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificateOf(s, time.Time{}, at.Add(time.Hour)).Raw})
}

func certificateOf(s signer, from, until time.Time) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, s.private.Public(), s.private))))
}

func file(data []byte) config.File { return config.File{Path: "/key.pem", Data: data} }

func TestKeysFromPEM(t *testing.T) {
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKeys()[0].PublicKey)})
	tests := []struct {
		name   string
		local  config.LocalIntrospection
		signer signer
	}{
		{"certificate", config.LocalIntrospection{Certificate: file(certificatePEM(rsaSigner(0)))}, rsaSigner(0)},
		{"certificate with a curve", config.LocalIntrospection{Certificate: file(certificatePEM(ecSigner()))}, ecSigner()},
		{"public key", config.LocalIntrospection{PublicKey: file(publicPEM(edSigner()))}, edSigner()},
		{"PKCS #1", config.LocalIntrospection{PublicKey: file(pkcs1)}, rsaSigner(0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, view := open(t, withDefaults(config.AuthServer{Name: "corp", Issuer: config.Issuer{Value: issuer}, Local: &tt.local}))
			if err := judge(view, tt.signer.token(claims(time.Now(), ""))); err != nil {
				t.Errorf("any kid: %v", err)
			}
			bare := fmt.Sprintf(`{"alg":%q}`, tt.signer.alg)
			if err := judge(view, tt.signer.sign(bare, claims(time.Now(), ""))); err != nil {
				t.Errorf("no kid: %v", err)
			}
			if err := judge(view, rsaSigner(2).token(claims(time.Now(), ""))); err == nil {
				t.Error("another key's token passed")
			}
		})
	}
}

func TestFaultyKeyFiles(t *testing.T) {
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(edKey()))})
	small := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(
		&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537})})
	two := append(publicPEM(edSigner()), publicPEM(ecSigner())...)
	tests := []struct {
		name  string
		local config.LocalIntrospection
		want  string
	}{
		{"empty key set", config.LocalIntrospection{JWKS: file([]byte(`{"keys":[]}`))}, "auth_servers[0].local_introspection.jwks: key set is empty"},
		{"not a key set", config.LocalIntrospection{JWKS: file([]byte(`[]`))}, "jwks: parse key set"},
		{"PEM for a key set", config.LocalIntrospection{JWKS: file(publicPEM(edSigner()))}, "jwks: parse key set: it is PEM; postern keys jwks makes a key set of it"},
		{"no usable key", config.LocalIntrospection{JWKS: file([]byte(jwks(rsaSigner(0).jwk(`,"use":"enc"`))))}, `jwks: key set has no usable key; of 1 the first is "rsa-0": use is "enc"`},
		{"too many keys", config.LocalIntrospection{JWKS: file([]byte(jwks(strings.Split(strings.Repeat("{} ", 257), " ")[:257]...)))}, "257 keys"},
		{"no PEM", config.LocalIntrospection{Certificate: file([]byte("hello"))}, "certificate: holds no PEM block"},
		{"a key for a certificate", config.LocalIntrospection{Certificate: file(publicPEM(edSigner()))}, "certificate: holds a PUBLIC KEY"},
		{"a broken certificate", config.LocalIntrospection{Certificate: file(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}))}, "certificate: parse certificate"},
		{"a private key", config.LocalIntrospection{PublicKey: file(private)}, "public_key: holds a PRIVATE KEY"},
		{"two keys", config.LocalIntrospection{PublicKey: file(two)}, "public_key: holds more than one PEM block"},
		{"a small key", config.LocalIntrospection{PublicKey: file(small)}, "public_key: RSA modulus of 1024 bits"},
		{"no algorithm fits", config.LocalIntrospection{PublicKey: file(publicPEM(edSigner())), Algorithms: []string{"RS256"}}, "public_key: none of its keys fits"},
		{"shared-key algorithm", config.LocalIntrospection{PublicKey: file(publicPEM(edSigner())), Algorithms: []string{"EdDSA", "HS256"}}, "local_introspection.algorithms[1]"},
		{"algorithm none", config.LocalIntrospection{PublicKey: file(publicPEM(edSigner())), Algorithms: []string{"none"}}, "local_introspection.algorithms[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := withDefaults(config.AuthServer{Name: "corp", Issuer: config.Issuer{Value: issuer}, Local: &tt.local})
			_, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}, nil, zap.NewNop())
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one fault with %q", err, tt.want)
			}
		})
	}
}
