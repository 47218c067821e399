package introspect_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// TestClientAuthentication: each way of RFC 6749 2.3, RFC 7523 and RFC 8705.
func TestClientAuthentication(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(ecKey())
	if err != nil {
		t.Fatal(err)
	}
	key := config.File{Path: "/edge.key", Data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
	for _, tt := range []struct {
		auth   string
		form   string // of the token "t", without what is signed
		header string
	}{
		{auth: "client_secret_basic", form: "token=t&token_type_hint=access_token", header: "Basic " + base64.StdEncoding.EncodeToString([]byte("edge:edge%3Asecret"))},
		{auth: "client_secret_post", form: "client_id=edge&client_secret=edge%3Asecret&token=t&token_type_hint=access_token"},
		{auth: "tls_client_auth", form: "client_id=edge&token=t&token_type_hint=access_token"},
		{
			auth: "private_key_jwt",
			form: "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=edge&token=t&token_type_hint=access_token",
		},
	} {
		t.Run(tt.auth, func(t *testing.T) {
			a := saying(`{"active":true}`)
			view := ask(t, a, remoteServer(func(r *config.RemoteIntrospection) {
				r.ClientAuthentication, r.ClientKey, r.ClientKeyID = tt.auth, key, "k1"
			}))
			if _, err := view.Introspect(t.Context(), "t", time.Now()); err != nil {
				t.Fatal(err)
			}
			form := a.asked[0]
			assertion := form.Get("client_assertion")
			form.Del("client_assertion")
			if form.Encode() != tt.form || a.header[0].Get("Authorization") != tt.header {
				t.Errorf("form %s, Authorization %q", form.Encode(), a.header[0].Get("Authorization"))
			}
			if (tt.auth == "private_key_jwt") != (assertion != "") {
				t.Fatalf("assertion %q", assertion)
			}
			if assertion != "" {
				checkAssertion(t, assertion)
			}
		})
	}
}

func checkAssertion(t *testing.T, assertion string) {
	t.Helper()
	parsed, err := jwt.Parse(assertion, func(*jwt.Token) (any, error) { return ecKey().Public(), nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(issuer), jwt.WithIssuer("edge"), jwt.WithSubject("edge"), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		t.Fatal(err)
	}
	claims := parsed.Claims.(jwt.MapClaims)
	if id, _ := claims["jti"].(string); len(id) < 20 || parsed.Header["kid"] != "k1" {
		t.Errorf("jti %v, header %v", claims["jti"], parsed.Header)
	}
}

func TestClientKeyFaults(t *testing.T) {
	public, err := x509.MarshalPKIXPublicKey(ecKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(ecKey())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text, algorithm, want string
	}{
		{"no pem", "x", "", "auth_servers[0].remote_introspection.client_key: neither PEM nor a JSON Web Key"},
		{"public", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "", "auth_servers[0].remote_introspection.client_key: does not hold one private key and nothing else"},
		{"broken", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private[:20]})), "", "auth_servers[0].remote_introspection.client_key: read PRIVATE KEY: asn1: syntax error: data truncated"},
		{"algorithm", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "RS256", `auth_servers[0].remote_introspection.client_algorithm: alg "RS256" does not fit the key's type`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := introspect.NewOver(noNetwork(t), []config.AuthServer{remoteServer(func(r *config.RemoteIntrospection) {
				r.ClientAuthentication, r.ClientAlgorithm, r.ClientKey = "private_key_jwt", tt.algorithm, config.File{Path: "k", Data: []byte(tt.text)}
			})}, defaults, zap.NewNop())
			if err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
