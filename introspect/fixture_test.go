package introspect_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuer = "https://idp.example.com/main"

// signer is a key of an issuer.
type signer struct {
	id, alg string
	private crypto.Signer
}

// Keys are slow to make, so tests share them.
var (
	rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
		keys := make([]*rsa.PrivateKey, 3)
		for i := range keys {
			keys[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		}
		return keys
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey = sync.OnceValue(func() ed25519.PrivateKey { return must2(ed25519.GenerateKey(rand.Reader)) })
)

func rsaSigner(n int) signer { return signer{fmt.Sprintf("rsa-%d", n), "RS256", rsaKeys()[n]} }
func ecSigner() signer       { return signer{"ec", "ES256", ecKey()} }
func edSigner() signer       { return signer{"ed", "EdDSA", edKey()} }

// as is the same key signing by another algorithm.
func (s signer) as(alg string) signer { s.alg = alg; return s }

// header is the ordinary header of its tokens.
func (s signer) header() string { return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, s.alg, s.id) }

// sign makes a token out of a header and a payload as they are.
func (s signer) sign(header, payload string) string {
	text := b64(header) + "." + b64(payload)
	signature := must(jwt.GetSigningMethod(s.alg).Sign(text, s.private))
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// token is an ordinary token.
func (s signer) token(payload string) string { return s.sign(s.header(), payload) }

// jwk is the public key; extra members begin with a comma.
func (s signer) jwk(extra string) string {
	switch p := s.private.Public().(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kid":%q,"kty":"RSA","n":%q,"e":"AQAB"%s}`, s.id, b64(string(p.N.Bytes())), extra)
	case *ecdsa.PublicKey:
		point := must(p.Bytes())[1:]
		half := len(point) / 2
		return fmt.Sprintf(`{"kid":%q,"kty":"EC","crv":%q,"x":%q,"y":%q%s}`,
			s.id, p.Curve.Params().Name, b64(string(point[:half])), b64(string(point[half:])), extra)
	default:
		return fmt.Sprintf(`{"kid":%q,"kty":"OKP","crv":"Ed25519","x":%q%s}`, s.id, b64(string(p.(ed25519.PublicKey))), extra)
	}
}

func jwks(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// setOf is the key set of signers.
func setOf(signers ...signer) string {
	var keys []string
	for _, s := range signers {
		keys = append(keys, s.jwk(""))
	}
	return jwks(keys...)
}

// claims is an ordinary payload, valid for an hour from now; extra members
// begin with a comma.
func claims(now time.Time, extra string) string {
	return fmt.Sprintf(`{"iss":%q,"sub":"alice","exp":%d%s}`, issuer, now.Add(time.Hour).Unix(), extra)
}

// withFile is an auth server whose keys are in a file.
func withFile(set string) config.AuthServer {
	return withDefaults(config.AuthServer{
		Name: "corp", Issuer: config.Issuer{Value: issuer},
		Local: &config.LocalIntrospection{JWKS: config.File{Path: "/keys.json", Data: []byte(set)}},
	})
}

// withURL is an auth server whose keys are fetched.
func withURL() config.AuthServer {
	return withDefaults(config.AuthServer{
		Name: "corp", Issuer: config.Issuer{Value: issuer},
		Local: &config.LocalIntrospection{JWKSURI: "https://idp.example.com/certs"},
	})
}

func withDefaults(s config.AuthServer) config.AuthServer {
	c := &config.Config{AuthServers: []config.AuthServer{s}}
	c.SetDefaults()
	return c.AuthServers[0]
}

var defaults = config.Default().Tokens

// open makes a Set without network and an API's view of all its auth servers.
func open(t testing.TB, servers ...config.AuthServer) (*introspect.Set, introspect.Introspector) {
	t.Helper()
	return openOver(t, noNetwork(t), servers...)
}

func openOver(t testing.TB, transport http.RoundTripper, servers ...config.AuthServer) (*introspect.Set, introspect.Introspector) {
	t.Helper()
	set, err := introspect.NewOver(transport, servers, defaults, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set, viewOf(t, set, servers...)
}

func viewOf(t testing.TB, set *introspect.Set, servers ...config.AuthServer) introspect.Introspector {
	t.Helper()
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
	}
	view, err := set.For(introspect.Accepts{Servers: names, JWT: true})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func noNetwork(t testing.TB) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		t.Errorf("fetched %s", req.URL)
		return nil, io.ErrUnexpectedEOF
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// idp is an identity provider in memory.
type idp struct {
	mu       sync.Mutex
	requests int
	status   int           // 0: no connection
	body     string        // of a 200
	etag     string        // answered, and compared with If-None-Match
	control  string        // Cache-Control
	delay    time.Duration // before it answers
}

func newIDP(signers ...signer) *idp { return &idp{status: 200, body: setOf(signers...)} }

// change lets it answer otherwise from now on.
func (p *idp) change(f func(*idp)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// count is how often it was asked.
func (p *idp) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func (p *idp) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.requests++
	status, body, etag, control, delay := p.status, p.body, p.etag, p.control, p.delay
	p.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if etag != "" && req.Header.Get("If-None-Match") == etag {
		status, body = 304, ""
	}
	header := http.Header{"Etag": {etag}, "Cache-Control": {control}}
	return &http.Response{
		StatusCode: status, Header: header, Request: req, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// judge is the outcome for a token now.
func judge(view introspect.Introspector, token string) error {
	_, err := view.Introspect(context.Background(), token, time.Now())
	return err
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must2[A, B any](_ A, v B, err error) B { return must(v, err) }

// modulus is one of so many bits, which need not be a product of primes.
func modulus(bits int) string {
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	return b64(string(n.Bytes()))
}
