package introspect

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/golang-jwt/jwt/v5"
)

// The sizes of an RSA modulus, in bits: below is breakable, above is a way to
// make each verification slow.
const (
	minRSA = 2048
	maxRSA = 8192
)

// key verifies signatures. It is the same object as long as its key set holds
// the same key, so that cached tokens can hold on to it.
type key struct {
	id         string
	public     publicKey
	algorithms []string // it may verify; at least one
	signature  int      // bytes of a signature; 0: as many as the algorithm's hash has
	// application is whose strategy the key is of; empty: an auth server's.
	application string
	certificate *certificate // nil: it has none
	// gone is set when the key has left its key set.
	gone atomic.Bool
}

// publicKey is what every public key of the standard library is.
type publicKey interface{ Equal(x crypto.PublicKey) bool }

// verifies reports whether the key is for an algorithm.
func (k *key) verifies(alg string) bool { return slices.Contains(k.algorithms, alg) }

// same reports whether k and other are interchangeable.
func (k *key) same(other *key) bool {
	return k.id == other.id && k.application == other.application && slices.Equal(k.algorithms, other.algorithms) &&
		k.public.Equal(other.public) && k.certificate.same(other.certificate)
}

// material is the key in the form in which golang-jwt takes it.
func (k *key) material() any {
	if shared, ok := k.public.(sharedSecret); ok {
		return []byte(shared)
	}
	return k.public
}

// fits reports whether signature can be one of this key at all: of its length,
// and of a curve without a zero in either half. Whoever took r = s = 0 for a
// point would believe such a signature of anything.
func (k *key) fits(signature []byte) bool {
	if k.signature != 0 && len(signature) != k.signature {
		return false
	}
	if _, curve := k.public.(*ecdsa.PublicKey); curve {
		half := len(signature) / 2
		return !allZero(signature[:half]) && !allZero(signature[half:])
	}
	return true
}

func allZero(bytes []byte) bool {
	for _, b := range bytes {
		if b != 0 {
			return false
		}
	}
	return true
}

// newKey judges a public key. alg narrows what it may verify, when not empty.
func newKey(id, alg string, public any) (*key, error) {
	k := &key{id: id}
	switch p := public.(type) {
	case *rsa.PublicKey:
		if err := checkRSA(p); err != nil {
			return nil, err
		}
		k.public, k.signature = p, p.Size()
		k.algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		bits := p.Curve.Params().BitSize
		k.public, k.signature = p, 2*((bits+7)/8)
		k.algorithms = ecdsaAlgorithms(bits)
	case ed25519.PublicKey:
		if weakEd25519(p) {
			return nil, errors.New("Ed25519 key is a point of small order, for which anybody can sign")
		}
		k.public, k.signature = p, ed25519.SignatureSize
		k.algorithms = []string{jwt.SigningMethodEdDSA.Alg()}
	}
	if k.algorithms == nil {
		return nil, fmt.Errorf("no signature algorithm uses a %T", public)
	}
	if alg == "" {
		return k, nil
	}
	if !slices.Contains(k.algorithms, alg) {
		return nil, fmt.Errorf("alg %q does not fit the key's type", alg)
	}
	k.algorithms = []string{alg}
	return k, nil
}

func checkRSA(p *rsa.PublicKey) error {
	switch bits := p.N.BitLen(); {
	case bits < minRSA:
		return fmt.Errorf("RSA modulus of %d bits is below %d", bits, minRSA)
	case bits > maxRSA:
		return fmt.Errorf("RSA modulus of %d bits is above %d", bits, maxRSA)
	case p.N.Bit(0) == 0:
		return errors.New("RSA modulus is even")
	case p.E < 3 || p.E%2 == 0:
		return fmt.Errorf("RSA exponent %d is even or below 3", p.E)
	}
	return nil
}

func ecdsaAlgorithms(bits int) []string {
	switch bits {
	case 256:
		return []string{"ES256"}
	case 384:
		return []string{"ES384"}
	case 521:
		return []string{"ES512"}
	}
	return nil
}

// signingMethods are the algorithms that a token may be signed with. PS* check
// the salt's length, as RFC 7518 3.5 demands and golang-jwt's own do not.
func signingMethods() map[string]jwt.SigningMethod {
	methods := map[string]jwt.SigningMethod{}
	for _, m := range []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512,
		strictSalt(jwt.SigningMethodPS256), strictSalt(jwt.SigningMethodPS384), strictSalt(jwt.SigningMethodPS512),
		jwt.SigningMethodES256, jwt.SigningMethodES384, jwt.SigningMethodES512,
		jwt.SigningMethodEdDSA,
	} {
		methods[m.Alg()] = m
	}
	return methods
}

func strictSalt(m *jwt.SigningMethodRSAPSS) *jwt.SigningMethodRSAPSS {
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: m.Options}
}
