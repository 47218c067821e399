// Package jwk reads keys from PEM and JSON Web Keys, private ones too, and
// writes public ones as JSON Web Keys (RFC 7517). It is for those who sign;
// which keys may verify is judged by introspect alone.
package jwk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// Key is a key with what its file says of it. Exactly one of Public and Secret
// is set; Private beside Public when it is known.
type Key struct {
	ID        string // kid; may be empty
	Algorithm string // it is for; may be empty
	Public    crypto.PublicKey
	Private   crypto.Signer
	Secret    []byte // of HMAC
}

// JWK is a public key as RFC 7517 writes it.
type JWK struct {
	Type      string `json:"kty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	ID        string `json:"kid,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// Set is a key set.
type Set struct {
	Keys []JWK `json:"keys"`
}

// JWK is the public half, for verifying signatures.
func (k Key) JWK() (JWK, error) {
	j := JWK{Use: "sig", Algorithm: k.Algorithm, ID: k.ID}
	encode := base64.RawURLEncoding.EncodeToString
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		j.Type, j.N, j.E = "RSA", encode(p.N.Bytes()), encode(big.NewInt(int64(p.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := p.Bytes() // 0x04, x, y
		if err != nil {
			return JWK{}, fmt.Errorf("encode public key: %w", err)
		}
		half := (len(point) - 1) / 2
		j.Type, j.Curve = "EC", p.Curve.Params().Name
		j.X, j.Y = encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		j.Type, j.Curve, j.X = "OKP", "Ed25519", encode(p)
	default:
		return JWK{}, fmt.Errorf("a %T has no public JSON Web Key here", k.Public)
	}
	return j, nil
}

// Thumbprint names the key by its content (RFC 7638, with SHA-256).
func (k Key) Thumbprint() (string, error) {
	j, err := k.JWK()
	if err != nil {
		return "", err
	}
	members := map[string]string{"kty": j.Type}
	for name, value := range map[string]string{"crv": j.Curve, "x": j.X, "y": j.Y, "n": j.N, "e": j.E} {
		if value != "" {
			members[name] = value
		}
	}
	text, err := json.Marshal(members) // sorted by name, as the RFC demands
	if err != nil {
		return "", fmt.Errorf("write thumbprint: %w", err)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// Named is the key with an ID: its own, else its thumbprint. A secret keeps
// what it has.
func (k Key) Named() (Key, error) {
	if k.ID != "" || k.Secret != nil {
		return k, nil
	}
	var err error
	k.ID, err = k.Thumbprint()
	return k, err
}

// Algorithms are the JWS algorithms that the key can serve, the usual one first.
func (k Key) Algorithms() []string {
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		switch p.Curve.Params().BitSize {
		case 256:
			return []string{"ES256"}
		case 384:
			return []string{"ES384"}
		case 521:
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	if k.Secret != nil {
		return []string{"HS256", "HS384", "HS512"}
	}
	return nil
}
