package jwk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"

	"postern/provisioning/config"
)

// All are the algorithms for which New makes a key.
func All() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"}
}

// New makes a key for a JWS algorithm. bits is the size of an RSA modulus and
// counts for no other kind. A secret is as long as the hash, written in
// base64url, so that it is text.
func New(alg string, bits int) (Key, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		private, err = rsa.GenerateKey(rand.Reader, bits)
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "HS256", "HS384", "HS512":
		random := make([]byte, config.SharedKeySize(alg))
		_, _ = rand.Read(random) // it never fails
		text := base64.RawURLEncoding.AppendEncode(nil, random)
		return Key{Algorithm: alg, Secret: text}, nil
	default:
		return Key{}, fmt.Errorf("no key can be made for algorithm %q", alg)
	}
	if err != nil {
		return Key{}, fmt.Errorf("make key for %s: %w", alg, err)
	}
	return Key{Algorithm: alg, Private: private, Public: private.Public()}, nil
}
