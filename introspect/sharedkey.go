package introspect

import (
	"crypto"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"postern/provisioning/config"
)

// sharedSecret is a key that signs as well as it verifies.
type sharedSecret string

// Equal compares in constant time.
func (s sharedSecret) Equal(x crypto.PublicKey) bool {
	other, ok := x.(sharedSecret)
	return ok && subtle.ConstantTimeCompare([]byte(s), []byte(other)) == 1
}

// sharedMethods are the algorithms of shared keys. golang-jwt compares their
// signatures in constant time, the length included.
func sharedMethods() map[string]jwt.SigningMethod {
	methods := map[string]jwt.SigningMethod{}
	for _, m := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		methods[m.Alg()] = m
	}
	return methods
}

// allMethods are all algorithms that a token may be signed with.
func allMethods() map[string]jwt.SigningMethod {
	methods := signingMethods()
	maps.Copy(methods, sharedMethods())
	return methods
}

// newSharedKey is a shared key for those of the algorithms for which it is long
// enough.
func newSharedKey(id string, secret config.Secret, algorithms []string) *key {
	k := &key{id: id, public: sharedSecret(secret.Reveal())}
	for _, alg := range algorithms {
		if size := config.SharedKeySize(alg); size > 0 && len(secret.Reveal()) >= size {
			k.algorithms = append(k.algorithms, alg)
		}
	}
	return k
}

// checkSharedKey refuses a shared key that an allowed algorithm could not use.
func (s *server) checkSharedKey(k *key) *config.Fault {
	for alg := range s.methods {
		if !slices.Contains(k.algorithms, alg) {
			return &config.Fault{Path: []any{"shared_key"}, Message: fmt.Sprintf("is too short for %s", alg)}
		}
	}
	return nil
}
