package config

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
)

// APIKey is a key that identifies an application. Only its digest is kept, and
// like a Secret it prints as ***.
type APIKey struct {
	digest [sha256.Size]byte
	short  bool // so that it could be guessed, as far as is known
}

// shortKey is fewer characters than no key should have.
const shortKey = 16

// NewAPIKey is the key of a text.
func NewAPIKey(text string) APIKey { return APIKey{sha256.Sum256([]byte(text)), len(text) < shortKey} }

// APIKeyOf is the key of which this is the SHA-256.
func APIKeyOf(digest [sha256.Size]byte) APIKey { return APIKey{digest: digest} }

// Digest is the SHA-256 of the key.
func (k APIKey) Digest() [sha256.Size]byte { return k.digest }

// IsZero reports whether nothing was configured.
func (k APIKey) IsZero() bool { return k == APIKey{} }

// Format implements fmt.Formatter for every verb.
func (k APIKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// MarshalText keeps the digest out of JSON, YAML and structured logs: short keys
// can be guessed from it.
func (k APIKey) MarshalText() ([]byte, error) { return []byte("***"), nil }

// AddressRange is the addresses from First to Last, both of one family.
type AddressRange struct{ First, Last netip.Addr }

// nameForm is what looks like the name of a host, and like no address.
var nameForm = regexp.MustCompile(`^[\w*.-]+\.[A-Za-z][\w-]*$`)

// ParseAddressRange reads an address, a range in CIDR notation, or the first and
// last address with a dash between.
func ParseAddressRange(text string) (r AddressRange, err error) {
	if first, last, ok := cutRange(text); ok {
		return between(first, last)
	}
	if ip, err := parseAddress(text); err == nil {
		return AddressRange{ip, ip}, nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil && nameForm.MatchString(text):
		return r, fmt.Errorf("%q is no address; host names have a key of their own", text)
	case err != nil:
		return r, fmt.Errorf("%q is not an address, a range such as 10.0.0.0/8, nor first-last", text)
	case prefix != prefix.Masked():
		return r, fmt.Errorf("%q has bits beyond its length; did you mean %q?", text, prefix.Masked())
	case prefix.Addr().Is4In6():
		return r, fmt.Errorf("%q: write an IPv4 range as IPv4", text)
	}
	return AddressRange{prefix.Addr(), lastOf(prefix)}, nil
}

// MarshalText writes the range as it can be read again.
func (r AddressRange) MarshalText() ([]byte, error) {
	if r.First == r.Last {
		return r.First.MarshalText()
	}
	return []byte(r.First.String() + "-" + r.Last.String()), nil
}

// Contains reports whether an address that is no IPv4-mapped one lies in it.
func (r AddressRange) Contains(ip netip.Addr) bool {
	return ip.BitLen() == r.First.BitLen() && !ip.Less(r.First) && !r.Last.Less(ip)
}

func cutRange(text string) (first, last string, ok bool) {
	for i := range len(text) {
		if text[i] == '-' {
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

func between(first, last string) (r AddressRange, err error) {
	if r.First, err = parseAddress(first); err != nil {
		return r, fmt.Errorf("%q is not an address", first)
	}
	if r.Last, err = parseAddress(last); err != nil {
		return r, fmt.Errorf("%q is not an address", last)
	}
	if r.First.BitLen() != r.Last.BitLen() || r.Last.Less(r.First) {
		return r, fmt.Errorf("%s does not come before %s", r.First, r.Last)
	}
	return r, nil
}

func parseAddress(text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err == nil && ip.Zone() != "" {
		err = errors.New("has a zone")
	}
	return ip.Unmap(), err
}

// lastOf is the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b) // of the same size
	return last
}

// ClientCertificate is one that callers of an application show.
type ClientCertificate struct {
	File File `yaml:"file"` // PEM
}

// Parse reads the certificate, and tells its thumbprint (x5t#S256, RFC 8705 3.1).
func (c ClientCertificate) Parse() (parsed *x509.Certificate, thumbprint string, err error) {
	block, _ := pem.Decode(c.File.Data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, "", errors.New("holds no CERTIFICATE in PEM")
	}
	if parsed, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, "", fmt.Errorf("parse certificate: %w", err)
	}
	sum := sha256.Sum256(block.Bytes)
	return parsed, base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
