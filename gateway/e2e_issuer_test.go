package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signer is a key of an issuer, under its kid.
type signer struct {
	kid     string
	method  jwt.SigningMethod
	private crypto.Signer
}

func newSigner(t testing.TB, kid string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{kid, jwt.SigningMethodES256, key}
}

// rsaKey is slow to make, so tests share it.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newRSASigner(t testing.TB, kid string) *signer {
	t.Helper()
	key, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	return &signer{kid, jwt.SigningMethodRS256, key}
}

// claims are those of an ordinary token of iss, changed by more; nil removes.
func claims(iss string, more map[string]any) jwt.MapClaims {
	all := jwt.MapClaims{"iss": iss, "sub": "alice", "aud": "orders", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, more)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// sign makes a token.
func (s *signer) sign(t testing.TB, all jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(s.method, all)
	token.Header["kid"] = s.kid
	text, err := token.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jwk is the public key, with alg as it stands there; "": without.
func (s *signer) jwk(alg string) map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	k := map[string]string{"kid": s.kid, "use": "sig"}
	if alg != "" {
		k["alg"] = alg
	}
	switch public := s.private.Public().(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", encode(public.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // a generated key is on its curve
		k["kty"], k["crv"], k["x"], k["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	}
	return k
}

// setOf is the key set of signers.
func setOf(signers ...*signer) string {
	keys := []any{}
	for _, s := range signers {
		keys = append(keys, s.jwk(s.method.Alg()))
	}
	return marshal(map[string]any{"keys": keys})
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a test's own literal
	}
	return string(b)
}

// issuer is an authorization server that does as its script says.
type issuer struct {
	*httptest.Server
	script  atomic.Pointer[http.HandlerFunc]
	fetches atomic.Int64 // of the key set
}

// openIssuer serves the keys of signers.
func openIssuer(t testing.TB, signers ...*signer) *issuer {
	t.Helper()
	i := new(issuer)
	i.serve(says(setOf(signers...)))
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys")
			return
		}
		i.fetches.Add(1)
		(*i.script.Load())(w, r)
	}))
	i.Start()
	t.Cleanup(func() { i.CloseClientConnections(); i.Close() })
	return i
}

// serve changes what is answered from now on.
func (i *issuer) serve(script http.HandlerFunc) { i.script.Store(&script) }

// publish serves the keys of signers from now on.
func (i *issuer) publish(signers ...*signer) { i.serve(says(setOf(signers...))) }

// says answers with a text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// away drops the connection.
func away(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// fails answers with a status.
func fails(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// huge answers with 10 MB in front of the keys.
func huge(set string) http.HandlerFunc {
	return says(strings.Repeat(" ", 10<<20) + set)
}

// drips answers a byte at a time, for as long as somebody reads.
func drips(set string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range len(set) {
			fmt.Fprint(w, set[i:i+1])
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// redirects leads elsewhere.
func redirects(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) }
}
