package introspect

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"postern/introspect/jwk"
	"postern/provisioning/config"
)

// client is how the gateway identifies itself to an authorization server.
type client struct {
	id       string
	auth     string // as config.RemoteIntrospection.ClientAuthentication
	secret   config.Secret
	key      crypto.PrivateKey // of private_key_jwt
	keyID    string
	method   jwt.SigningMethod
	audience string
}

// newClient reads the client's key. The path of a fault is relative to the
// section.
func newClient(cfg *config.RemoteIntrospection) (*client, *config.Fault) {
	c := &client{
		id: cfg.ClientID, auth: cfg.ClientAuthentication, secret: cfg.ClientSecret,
		keyID: cfg.ClientKeyID, audience: cfg.ClientAudience,
	}
	if c.auth != "private_key_jwt" {
		return c, nil
	}
	key, err := privateKey(cfg.ClientKey.Data)
	if err != nil {
		return nil, &config.Fault{Path: []any{"client_key"}, Message: err.Error()}
	}
	public, err := newKey("", cfg.ClientAlgorithm, key.Public())
	if err != nil {
		at := "client_key"
		if cfg.ClientAlgorithm != "" {
			at = "client_algorithm"
		}
		return nil, &config.Fault{Path: []any{at}, Message: err.Error()}
	}
	c.key, c.method = key, jwt.GetSigningMethod(public.algorithms[0])
	return c, nil
}

// privateKey reads the one private key in a file.
func privateKey(data []byte) (crypto.Signer, error) {
	all, err := jwk.Read(data)
	switch {
	case err != nil:
		return nil, err
	case len(all) != 1 || all[0].Private == nil:
		return nil, errors.New("does not hold one private key and nothing else")
	}
	return all[0].Private, nil
}

// sign puts the client's credentials into a form that is about to be sent, or
// into its header.
func (c *client) sign(form url.Values, header http.Header, now time.Time) error {
	switch c.auth {
	case "client_secret_basic":
		// RFC 6749 2.3.1: both halves are encoded as in a form.
		pair := url.QueryEscape(c.id) + ":" + url.QueryEscape(c.secret.Reveal())
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		return nil
	case "client_secret_post":
		form.Set("client_secret", c.secret.Reveal())
	case "private_key_jwt":
		assertion, err := c.assertion(now)
		if err != nil {
			return err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	form.Set("client_id", c.id)
	return nil
}

// assertionLife is short: an assertion is sent as soon as it is made.
const assertionLife = time.Minute

// assertion is a token that proves possession of the client's key (RFC 7523 3).
func (c *client) assertion(now time.Time) (string, error) {
	token := jwt.NewWithClaims(c.method, jwt.MapClaims{
		"iss": c.id, "sub": c.id, "aud": c.audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if c.keyID != "" {
		token.Header["kid"] = c.keyID
	}
	signed, err := token.SignedString(c.key)
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	return signed, nil
}
