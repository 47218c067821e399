package explain_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/gateway"
	"postern/gateway/explain"
	"postern/provisioning"
)

// signer is an issuer's key.
type signer struct{ private *ecdsa.PrivateKey }

func newSigner(t testing.TB) *signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{private}
}

// set is its key set.
func (s *signer) set() string {
	point, err := s.private.PublicKey.Bytes()
	if err != nil {
		panic(err) // a generated key is on its curve
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"keys":[{"kid":"k1","kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
}

// token is an ordinary one, changed by more.
func (s *signer) token(t testing.TB, more map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": "https://idp.example.com", "sub": "alice", "aud": "orders", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(claims, more)
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = "k1"
	text, err := token.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sum64(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func selfSigned(t testing.TB) []byte {
	t.Helper()
	s := newSigner(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &s.private.PublicKey, s.private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// generated is the YAML of APIs of many kinds; what stands in it is drawn by r.
func generated(r *mathrand.Rand, target string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `logging: {access: false}
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- {name: corp, issuer: https://idp.example.com, local_introspection: {jwks: keys.json}, audience: {any: [orders]}}
applications:
- {name: shop, apis: [api0, api1], identify: {claims: [{azp: shop}]}}
- {name: desk, apis: [api2], suspended: true, identify: {claims: [{azp: desk}]}}
apis:
`)
	pick := func(options ...string) string { return options[r.IntN(len(options))] }
	for n := range 6 {
		fmt.Fprintf(&b, "- name: api%d\n  version: \"1\"\n  upstream: {targets: [{url: %q}]}\n", n, target)
		b.WriteString(pick("", "", "", "  hosts: [\"*.example.com\"]\n", "  hosts: [a.example.com, b.example.com]\n"))
		b.WriteString("  resources:\n  - {path: /a, methods: [GET, POST]}\n  - {path: \"/a/{id}\", methods: [GET], scopes: [more]}\n  - {path: \"/b/**\"}\n")
		fmt.Fprintf(&b, "  scopes:\n  - {name: more, policies: {authorize: {token_scopes: {%s: [write]}}}}\n", pick("any", "all"))
		b.WriteString("  policies:\n")
		b.WriteString(pick("", "", "    protocols: [http]\n", "    protocols: [https]\n"))
		fmt.Fprintf(&b, "    identify: {by: [jwt], applications: %s%s}\n", pick("none", "none", "registered", "all"), pick("", "", "", ", anonymous: true", ", sender_constrained: [mtls]", ", token: {header: X-Token}"))
		b.WriteString(pick("", "    authorize: {token_scopes: {any: [read, write]}}\n", "    authorize: {claims: [{name: sub, one_of: [alice, bob]}]}\n"))
	}
	return b.String()
}

// TestVerdictsAgree plays requests both ways: explained, and to a gateway that
// serves.
func TestVerdictsAgree(t *testing.T) {
	const cases = 500
	r := mathrand.New(mathrand.NewPCG(1, 2))
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	s, thief := newSigner(t), newSigner(t)
	var dir, address string
	verdicts := map[string]int{}
	for n := range cases {
		if n%50 == 0 {
			dir = folder(t, s, generated(r, target.URL))
			address = serve(t, dir)
		}
		pick := func(options ...string) string { return options[r.IntN(len(options))] }
		by, faulty := s, r.IntN(2) == 0
		if faulty && r.IntN(6) == 0 {
			by = thief
		}
		claims := map[string]any{}
		for claim, values := range map[string][]any{
			"sub": {"alice", "alice", "carol"}, "aud": {"orders", "orders", "orders", "orders", "orders", "orders", "other"}, "scope": {"read", "write", "read write", ""},
			"azp": {"shop", "shop", "desk", "none"}, "iss": {"https://idp.example.com", "https://idp.example.com", "https://idp.example.com", "https://idp.example.com", "https://idp.example.com", "https://other"},
			"exp": {time.Now().Add(time.Hour).Unix(), time.Now().Add(time.Hour).Unix(), time.Now().Add(time.Hour).Unix(), time.Now().Add(time.Hour).Unix(), 1},
		} {
			if claims[claim] = values[0]; faulty || claim == "scope" {
				claims[claim] = values[r.IntN(len(values))]
			}
		}
		c := explain.Command{
			Method: pick("GET", "GET", "GET", "POST", "DELETE"), Host: pick("a.example.com", "b.example.com", "localhost"),
			Path: fmt.Sprintf("/gateway/api%d/1%s", r.IntN(6)+r.IntN(9)/8, pick("/a", "/a", "/a/1", "/a/2", "/b/x", "/b/x/y", "/b/", "/c", "/a/", "/a/%2e%2e/a")), From: "127.0.0.1", JSON: true,
		}
		c.Config = []string{filepath.Join(dir, "postern.yaml")}
		switch token, way := by.token(t, claims), r.IntN(12); {
		case way == 0:
		case way == 1:
			c.Header = append(c.Header, "X-Token: "+token)
		case way == 2:
			c.Header = append(c.Header, "Authorization: DPoP "+token)
		default:
			c.Token = token
		}
		explained, served := verdict(t, c), ask(t, address, c)
		if explained != served {
			t.Fatalf("case %d: explained as %s, served as %s: %+v", n, explained, served, c)
		}
		verdicts[served]++
	}
	t.Log(verdicts)
	for _, want := range []string{"200 ", "401 invalid_token", "401 token_missing", "403 insufficient_scope", "403 protocol_not_allowed", "404 not_found", "405 method_not_allowed", "400 bad_path"} {
		if verdicts[want] == 0 {
			t.Errorf("none of the cases is %s", want)
		}
	}
}

// verdict is what explain says.
func verdict(t *testing.T, c explain.Command) string {
	t.Helper()
	out, err := run(t, c)
	var got struct {
		Forwarded bool
		Status    int
		Code      string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got.Forwarded != (err == nil) {
		t.Errorf("forwarded %v, error %v", got.Forwarded, err)
	}
	if got.Forwarded {
		return "200 "
	}
	return fmt.Sprintf("%d %s", got.Status, got.Code)
}

// serve runs a gateway until the test ends and returns its address.
func serve(t *testing.T, dir string) string {
	t.Helper()
	loaded, err := provisioning.Load(provisioning.Sources{Paths: []string{filepath.Join(dir, "postern.yaml")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.New(zap.NewNop())
	if err := g.Apply(loaded.Config); err != nil {
		t.Fatal(err)
	}
	if err := g.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return g.Addrs().HTTP.String()
}

// ask sends the same request to a gateway that serves.
func ask(t *testing.T, address string, c explain.Command) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := append([]string{c.Method + " " + c.Path + " HTTP/1.1", "Host: " + c.Host, "Connection: close"}, c.Header...)
	if c.Token != "" {
		lines = append(lines, "Authorization: Bearer "+c.Token)
	}
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var problem struct{ Code string }
	if response.StatusCode >= 400 {
		if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%d %s", response.StatusCode, problem.Code)
}
