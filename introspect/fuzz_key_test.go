package introspect_test

import (
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
	"software.sslmate.com/src/go-pkcs12"

	"postern/introspect"
	"postern/provisioning/config"
)

// accepted is what Status says of an auth server that was built, if it was. Its
// keys verify, but not everything.
func accepted(t *testing.T, server config.AuthServer) {
	set, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}, nil, zap.NewNop())
	if err != nil {
		return
	}
	st := set.Status()[0]
	if len(st.Keys) == 0 {
		t.Fatalf("accepted without a key: %+v", st)
	}
	for _, one := range st.Keys {
		forged := signer{one.ID, one.Algorithms[0], nil}
		for _, signature := range []string{"", "AAAA", b64(strings.Repeat("\x00", 64)), b64(strings.Repeat("\x00", 256))} {
			raw := b64(forged.header()) + "." + b64(claims(at, "")) + "." + signature
			if judgeAt(viewOf(t, set, server), raw) == nil {
				t.Fatalf("key %+v verifies %q", one, signature)
			}
		}
	}
}

func FuzzPEM(f *testing.F) {
	for _, s := range []signer{rsaSigner(0), ecSigner(), edSigner()} {
		f.Add(publicPEM(s))
		f.Add(certificatePEM(s))
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, local := range []config.LocalIntrospection{{PublicKey: file(data)}, {Certificate: file(data)}} {
			accepted(t, withDefaults(config.AuthServer{Name: "corp", Issuer: config.Issuer{Value: issuer}, Local: &local}))
		}
	})
}

// FuzzCertificate reads what is inside the PEM, also as x5c.
func FuzzCertificate(f *testing.F) {
	for _, s := range []signer{rsaSigner(0), ecSigner(), edSigner()} {
		f.Add(certificateOf(s, time.Unix(0, 0), at).Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		accepted(t, withDefaults(config.AuthServer{
			Name: "corp", Issuer: config.Issuer{Value: issuer}, Local: &config.LocalIntrospection{Certificate: file(block)},
		}))
		set := jwks(edSigner().jwk(`,"x5c":["` + base64.StdEncoding.EncodeToString(der) + `"]`))
		accepted(t, withFile(set))
	})
}

func FuzzTruststore(f *testing.F) {
	few := pkcs12.Modern.WithIterations(1)
	f.Add(p12(f, few, storePassword, storeEntries()))
	f.Add(p12(f, pkcs12.LegacyRC2.WithIterations(1), storePassword, storeEntries()))
	f.Add(jks(f, storePassword, storeEntries()))
	f.Add(pairStore(f))
	files, err := filepath.Glob("testdata/truststore/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		f.Add(must(os.ReadFile(name)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accepted(t, withStore(data, storePassword, "issuer"))
		accepted(t, withStore(data, "", ""))
	})
}

// FuzzJWK reads one key. What is used is of a kind and for a use that verifies.
func FuzzJWK(f *testing.F) {
	for _, s := range []signer{rsaSigner(0), ecSigner(), edSigner()} {
		f.Add(s.jwk(`,"alg":"` + s.alg + `","use":"sig","key_ops":["verify"]`))
		f.Add(s.jwk(`,"x5t":"AA","x5c":["MIIB"]`))
	}
	f.Add(`{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}`)
	f.Add(`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ","d":"AQ"}`)
	f.Fuzz(func(t *testing.T, key string) { accepted(t, withFile(jwks(key))) })
}

// FuzzHeader signs any header. A token that is accepted says EdDSA once, and
// golang-jwt reads it so too.
func FuzzHeader(f *testing.F) {
	key := edSigner()
	_, view := open(f, withFile(setOf(key)))
	for _, seed := range []string{
		key.header(), `{"alg":"EdDSA"}`, `{"alg":"none"}`, `{"alg":"EdDSA","crit":["x"]}`, `{"alg":"EdDSA","typ":"at+jwt","x5t":"AA"}`,
		`{"alg":"EdDSA","jwk":{},"jku":"https://a.example"}`, `{"\u0061lg":"EdDSA","cty":"JWT"}`, `[]`,
	} {
		f.Add(seed)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	f.Fuzz(func(t *testing.T, header string) {
		raw := key.sign(header, claims(at, ""))
		if err := judgeAt(view, raw); err != nil {
			mustBeASentinel(t, err)
			return
		}
		theirs, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return key.private.Public(), nil })
		if err != nil {
			t.Fatalf("accepted %q, but golang-jwt says %v", header, err)
		}
		for _, name := range []string{"crit", "b64", "enc", "zip"} {
			if _, present := theirs.Header[name]; present {
				t.Fatalf("accepted with %s: %q", name, header)
			}
		}
	})
}

// FuzzSignature asks golang-jwt about any signature of a good token: both say
// the same, of each algorithm.
func FuzzSignature(f *testing.F) {
	signers := []signer{rsaSigner(0), ecSigner(), edSigner()}
	_, view := open(f, withFile(setOf(signers...)))
	shared := withSharedKey(sharedByAll, "HS256")
	_, sharedView := open(f, shared)
	mac := hmacToken("HS256", `{"alg":"HS256"}`, claims(at, ""), sharedByAll)
	for _, s := range signers {
		token := s.token(claims(at, ""))
		f.Add(must(base64.RawURLEncoding.DecodeString(token[strings.LastIndexByte(token, '.')+1:])))
	}
	f.Add(must(base64.RawURLEncoding.DecodeString(mac[strings.LastIndexByte(mac, '.')+1:])))
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, signature []byte) {
		for _, s := range signers {
			text := b64(s.header()) + "." + b64(claims(at, ""))
			ours := judgeAt(view, text+"."+b64(string(signature)))
			theirs := jwt.GetSigningMethod(s.alg).Verify(text, signature, s.private.Public())
			if (ours == nil) != (theirs == nil) {
				t.Fatalf("%s: we say %v, golang-jwt %v", s.alg, ours, theirs)
			}
		}
		text := mac[:strings.LastIndexByte(mac, '.')]
		ours := judgeAt(sharedView, text+"."+b64(string(signature)))
		theirs := jwt.SigningMethodHS256.Verify(text, signature, []byte(sharedByAll.Reveal()))
		if (ours == nil) != (theirs == nil) {
			t.Fatalf("HS256: we say %v, golang-jwt %v", ours, theirs)
		}
	})
}

// FuzzDate compares exp with exact arithmetic.
func FuzzDate(f *testing.F) {
	for _, seed := range []string{"1900000000", "1.9e9", "1900000000.123456789", "0", "-0", "-1", "253402300799", "253402300799.5", "1e-9", "1E+9", "1e308", "NaN", `"1"`} {
		f.Add(seed)
	}
	server := withFile(setOf(edSigner()))
	_, view := open(f, server)
	f.Fuzz(func(t *testing.T, exp string) {
		token, err := view.Introspect(t.Context(), edSigner().token(`{"iss":"`+issuer+`","exp":`+exp+`}`), time.Unix(0, 0))
		if err != nil {
			mustBeASentinel(t, err)
			return
		}
		if strings.ContainsAny(exp, ",}") {
			return // more than a date
		}
		if _, exponent, is := strings.Cut(strings.ToLower(exp), "e"); is && len(strings.TrimLeft(strings.TrimSpace(exponent), "+-0")) > 3 {
			return // exact arithmetic would take long
		}
		exact, ok := new(big.Rat).SetString(strings.TrimSpace(exp))
		if !ok {
			t.Fatalf("exp %q is accepted and no number", exp)
		}
		got := new(big.Rat).SetFrac(big.NewInt(token.Expires.UnixMicro()), big.NewInt(1_000_000))
		off := got.Sub(got, exact)
		if off.Abs(off).Cmp(big.NewRat(1, 10_000)) > 0 {
			t.Fatalf("exp %q is read as %s", exp, token.Expires)
		}
	})
}
