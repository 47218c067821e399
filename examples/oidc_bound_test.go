package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// wish is a client that asks for a token.
type wish struct{ client, resource, scope string }

// grant asks the provider for a token, with more fields in the request.
func (p *provider) grant(t *testing.T, w wish, fields ...string) (token, kind string) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {w.scope}, "resource": {"urn:orders:" + w.resource}}
	request, err := http.NewRequestWithContext(t.Context(), "POST", p.url+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(w.client, "shop-secret")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		Problem     string `json:"error_description"`
	}
	if status := exchangeJSON(t, request, &answer); status != 200 || answer.AccessToken == "" {
		t.Fatalf("token endpoint: status %d, %+v", status, answer)
	}
	return answer.AccessToken, answer.TokenType
}

// prove makes a DPoP proof.
func prove(t *testing.T, key *ecdsa.PrivateKey, method, address, token string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{"jti": rand.Text(), "htm": method, "htu": address, "iat": time.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = encode(sum[:])
	}
	proof := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	proof.Header["typ"] = "dpop+jwt"
	proof.Header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
	text, err := proof.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send plays a request with fields, and returns its status.
func send(t *testing.T, address string, fields ...string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response.StatusCode
}

// TestOIDCBoundAndOpaque: what a real provider issues besides plain JWTs.
func TestOIDCBoundAndOpaque(t *testing.T) {
	idp := newProvider(t)
	base := boot(t, "oidc",
		"  audience: {any: [orders]}", "  audience: {any: [orders]}\n"+
			"  remote_introspection: {endpoint: "+idp.url+"/token/introspection, client_id: edge, client_secret: edge-secret, cache: {active: 1s, inactive: 1s}}",
		"auth_servers:", "trusted_proxies: [127.0.0.1]\nclient_certificate_header: X-Client-Cert\nauth_servers:",
		"by: [jwt]", "by: [jwt, opaque]",
		issuerInExamples, idp.url)
	address := base + "/gateway/orders/1.0/orders/7"
	eventually(t, 200, "GET", address, idp.token(t, "RS256", "orders:read"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("opaque", func(t *testing.T) {
		token, _ := idp.grant(t, wish{"shop", "opaque", "orders:read"})
		if got := send(t, address, "Authorization", "Bearer "+token); got != 200 {
			t.Errorf("status %d", got)
		}
		if got := send(t, address, "Authorization", "Bearer "+token[1:]); got != 401 {
			t.Errorf("another token: status %d", got)
		}
		form := url.Values{"token": {token}}
		request, err := http.NewRequestWithContext(t.Context(), "POST", idp.url+"/token/revocation", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("shop", "shop-secret")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != 200 {
			t.Fatal(response, err)
		}
		response.Body.Close()
		eventually(t, 401, "GET", address, token)
	})

	for _, resource := range []string{"ES256", "opaque"} {
		t.Run("dpop "+resource, func(t *testing.T) {
			token, kind := idp.grant(t, wish{"shop", resource, "orders:read"}, "DPoP", prove(t, key, "POST", idp.url+"/token", ""))
			if kind != "DPoP" {
				t.Fatalf("token type %s", kind)
			}
			if got := send(t, address, "Authorization", "DPoP "+token, "DPoP", prove(t, key, "GET", address, token)); got != 200 {
				t.Errorf("with a proof: status %d", got)
			}
			if got := send(t, address, "Authorization", "Bearer "+token); got != 401 {
				t.Errorf("without one: status %d", got)
			}
		})
		t.Run("certificate "+resource, func(t *testing.T) {
			header := url.PathEscape(selfSigned(t, key))
			token, _ := idp.grant(t, wish{"shop-mtls", resource, "orders:read"}, "X-Client-Cert", header)
			if got := send(t, address, "Authorization", "Bearer "+token, "X-Client-Cert", header); got != 200 {
				t.Errorf("with the certificate: status %d", got)
			}
			for name, fields := range map[string][]string{
				"without one": {"Authorization", "Bearer " + token},
				"another one": {"Authorization", "Bearer " + token, "X-Client-Cert", url.PathEscape(selfSigned(t, key))},
			} {
				if got := send(t, address, fields...); got != 401 {
					t.Errorf("%s: status %d", name, got)
				}
			}
		})
	}
}

// selfSigned makes a certificate for a key.
func selfSigned(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
