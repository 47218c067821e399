package introspect

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"time"
)

// certificate is what a key's certificate says of it. Nobody's signature on it
// is looked at: it stands for a key that an operator, or the issuer, chose.
type certificate struct {
	subject              string
	from, until          time.Time // zero: not limited
	thumbprint, sha256tp string    // x5t and x5t#S256 of RFC 7515; empty: not known
}

func newCertificate(c *x509.Certificate) *certificate {
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return &certificate{
		subject: c.Subject.String(), from: c.NotBefore, until: c.NotAfter,
		thumbprint: base64.RawURLEncoding.EncodeToString(one[:]),
		sha256tp:   base64.RawURLEncoding.EncodeToString(two[:]),
	}
}

// keyOf is the key of a certificate; alg narrows what it may verify, when not
// empty.
func keyOf(id, alg string, c *x509.Certificate) (*key, error) {
	k, err := newKey(id, alg, c.PublicKey)
	if err != nil {
		return nil, err
	}
	k.certificate = newCertificate(c)
	return k, nil
}

func (c *certificate) same(other *certificate) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.from.Equal(other.from) && c.until.Equal(other.until) &&
		c.thumbprint == other.thumbprint && c.sha256tp == other.sha256tp
}

// problem says why the key must not be used at a time, or nothing.
func (k *key) problem(now time.Time) string {
	c := k.certificate
	switch {
	case c == nil:
	case now.Before(c.from):
		return fmt.Sprintf("its certificate is not valid before %s", c.from.UTC().Format(time.RFC3339))
	case !c.until.IsZero() && now.After(c.until):
		return fmt.Sprintf("its certificate is not valid after %s", c.until.UTC().Format(time.RFC3339))
	}
	return ""
}

// until is the last moment at which the key may be used, in Unix nanoseconds, if
// that is before latest.
func (k *key) until(latest int64) int64 {
	// Beyond the years 1678 and 2262 nanoseconds overflow.
	if c := k.certificate; c != nil && !c.until.IsZero() && c.until.Year() < 2200 {
		return min(latest, c.until.UnixNano())
	}
	return latest
}

// named reports whether a token that names a certificate by its thumbprints
// means this key: yes, no, or that nothing is known of its certificate.
func (k *key) named(h *header) (yes, no bool) {
	if k.certificate == nil {
		return false, false
	}
	for _, pair := range [...][2]string{{h.x5t, k.certificate.thumbprint}, {h.x5t256, k.certificate.sha256tp}} {
		if pair[0] == "" || pair[1] == "" {
			continue
		}
		if pair[0] != pair[1] {
			return false, true
		}
		yes = true
	}
	return yes, false
}

// usable reports whether any key may be used at a time.
func (k *keys) usable(now time.Time) bool {
	for _, one := range k.all {
		if one.problem(now) == "" {
			return true
		}
	}
	return false
}
