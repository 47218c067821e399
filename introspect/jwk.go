package introspect

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
)

// parseJWKS reads a key set, key by key, so that one unusable key does not cost
// the others. A set without a usable key is an error: it says nothing, and
// would refuse every token.
func parseJWKS(body []byte) (*keys, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		if bytes.Contains(body, []byte("-----BEGIN ")) {
			return nil, errors.New("parse key set: it is PEM; postern keys jwks makes a key set of it")
		}
		return nil, fmt.Errorf("parse key set: %w", err)
	}
	switch {
	case len(set.Keys) == 0:
		return nil, errors.New("key set is empty")
	case len(set.Keys) > maxKeys:
		return nil, fmt.Errorf("key set has %d keys, more than %d", len(set.Keys), maxKeys)
	}
	var list []*key
	var skipped []SkippedKey
	for _, raw := range set.Keys {
		id, k, err := parseJWK(raw)
		if err != nil {
			skipped = append(skipped, SkippedKey{id, err.Error()})
			continue
		}
		list = append(list, k)
	}
	parsed := newKeys(list, skipped)
	if len(parsed.all) == 0 {
		first := parsed.skipped[0]
		return nil, fmt.Errorf("key set has no usable key; of %d the first is %q: %s", len(set.Keys), first.ID, first.Reason)
	}
	return parsed, nil
}

// webKey is what is read of a key; x5u is not.
type webKey struct {
	ID         string   `json:"kid"`
	Type       string   `json:"kty"`
	Use        *string  `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
	N          string   `json:"n"`
	E          string   `json:"e"`

	Certificates     []string `json:"x5c"`
	Thumbprint       string   `json:"x5t"`
	SHA256Thumbprint string   `json:"x5t#S256"`

	Private json.RawMessage `json:"d"`
	Shared  json.RawMessage `json:"k"`
}

func parseJWK(raw json.RawMessage) (id string, k *key, err error) {
	var j webKey
	if err := json.Unmarshal(raw, &j); err != nil {
		return j.ID, nil, fmt.Errorf("parse key: %w", err)
	}
	if len(j.ID) > maxKid {
		return j.ID[:maxKid], nil, fmt.Errorf("kid of %d bytes is too long", len(j.ID))
	}
	if err := j.check(); err != nil {
		return j.ID, nil, err
	}
	public, err := j.public()
	if err != nil {
		return j.ID, nil, errors.New(strings.ReplaceAll(err.Error(), "\n", ": "))
	}
	if k, err = newKey(j.ID, j.pinned(), public); err == nil {
		err = j.certify(k)
	}
	if err != nil {
		return j.ID, nil, err
	}
	return j.ID, k, nil
}

// certify gives the key the validity and the thumbprints of its certificate,
// which must be one of this very key.
func (j *webKey) certify(k *key) error {
	if len(j.Certificates) == 0 {
		if j.Thumbprint != "" || j.SHA256Thumbprint != "" {
			k.certificate = &certificate{thumbprint: j.Thumbprint, sha256tp: j.SHA256Thumbprint}
		}
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(j.Certificates[0])
	if err != nil {
		return fmt.Errorf("x5c: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("x5c: %w", err)
	}
	if !k.public.Equal(parsed.PublicKey) {
		return errors.New("x5c is the certificate of another key")
	}
	k.certificate = newCertificate(parsed)
	if _, no := k.named(&header{x5t: j.Thumbprint, x5t256: j.SHA256Thumbprint}); no {
		return errors.New("x5t is not the thumbprint of x5c")
	}
	return nil
}

// public lets keyfunc read the key itself, and nothing around it: from alg, use
// and certificates it would conclude what is decided here, and it would fetch
// what x5u names. Its way to choose a key for a token is not used either: it
// refuses the alg that some issuers state, and lets a token without kid try
// every key.
func (j *webKey) public() (any, error) {
	raw, err := json.Marshal(map[string]string{"kty": j.Type, "crv": j.Curve, "x": j.X, "y": j.Y, "n": j.N, "e": j.E})
	if err != nil {
		return nil, err
	}
	parsed, err := keyfunc.NewJWKJSON(raw)
	if err != nil {
		return nil, err
	}
	set, err := parsed.VerificationKeySet(context.Background())
	if err != nil {
		return nil, err
	}
	return set.Keys[0], nil
}

// check refuses what keyfunc would accept.
func (j *webKey) check() error {
	switch {
	case j.Type == "oct" || j.Shared != nil:
		return errors.New("a shared key does not belong in a public key set")
	case j.Type != "RSA" && j.Type != "EC" && j.Type != "OKP":
		return fmt.Errorf("key type %q is not supported", j.Type)
	case j.Private != nil:
		return errors.New("a private key does not belong in a public key set")
	case j.Use != nil && *j.Use != "sig":
		return fmt.Errorf("use is %q, not sig", *j.Use)
	case j.Operations != nil && !slices.Contains(j.Operations, "verify"):
		return errors.New("key_ops do not hold verify")
	case j.Type == "RSA" && !j.smallExponent():
		return errors.New("RSA exponent is not a number below 2^32")
	}
	return nil
}

// smallExponent reports whether e fits: keyfunc would cut off a longer one.
func (j *webKey) smallExponent() bool {
	e, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(j.E, "="))
	return err == nil && len(bytes.TrimLeft(e, "\x00")) <= 4
}

// pinned is the algorithm that the key is for, or "" when it does not say.
// Some issuers state the type there, which says nothing more.
func (j *webKey) pinned() string {
	if j.Algorithm == j.Type {
		return ""
	}
	return j.Algorithm
}
