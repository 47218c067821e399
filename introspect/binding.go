package introspect

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"postern/introspect/jwk"
)

// Binding is what the holder of a token must prove to have (RFC 7800). The zero
// value is a token that whoever holds it may show.
type Binding struct {
	Key         string // jkt: thumbprint of a key, proved by DPoP (RFC 9449 6.1)
	Certificate string // x5t#S256: thumbprint of a TLS client certificate (RFC 8705 3.1)
}

// binding reads cnf. A token that is bound in a way that cannot be checked here
// is refused: as a bearer token it would be worth more than its issuer meant.
func (t *jws) binding() (b Binding, err error) {
	value, present := t.claims["cnf"]
	if !present {
		return b, nil
	}
	members, ok := value.(map[string]any)
	if !ok {
		return b, fmt.Errorf("%w: cnf is not an object", ErrClaims)
	}
	for name, to := range map[string]*string{"jkt": &b.Key, "x5t#S256": &b.Certificate} {
		value, present := members[name]
		text, ok := value.(string)
		if present && (!ok || len(text) != thumbprintSize) {
			return b, fmt.Errorf("%w: cnf.%s is not a thumbprint", ErrClaims, name)
		}
		*to = text
	}
	if b == (Binding{}) {
		return b, fmt.Errorf("%w: cnf binds the token in a way that is not known here", ErrClaims)
	}
	return b, nil
}

// thumbprintSize is the length of SHA-256 in base64url.
const thumbprintSize = 43

// Thumbprint is x5t#S256 of a certificate in DER.
func Thumbprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// thumbprint is that of RFC 7638, from the key itself: what a JWK says besides,
// and how it writes its numbers, makes no difference.
func (k *key) thumbprint() (string, error) { return jwk.Key{Public: k.public}.Thumbprint() }
