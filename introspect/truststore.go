package introspect

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a trust store: what its numbers could make a reader do.
const (
	maxStoreEntries = 1024
	maxIterations   = 1_000_000 // of a password's hash
	maxSafes        = 16        // each with a hash of its own
)

// trusted is a certificate of a trust store.
type trusted struct {
	alias       string // empty: not known
	certificate *x509.Certificate
}

// parseTruststore reads the key of one certificate in a PKCS #12 or JKS file,
// told apart by how it begins. Without an alias it must be the only one.
func parseTruststore(data []byte, password, alias string) (*keys, error) {
	read := readPKCS12
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		read = readJKS
	case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
		return nil, errors.New("is a JCEKS store: convert it to PKCS #12")
	case !bytes.HasPrefix(data, []byte{0x30}):
		return nil, errors.New("is neither PKCS #12 nor JKS")
	}
	entries, err := read(data, password)
	if err != nil {
		return nil, err
	}
	found, err := choose(entries, alias)
	if err != nil {
		return nil, err
	}
	k, err := keyOf("", "", found)
	if err != nil {
		return nil, err
	}
	return soleKey(k), nil
}

// choose finds the certificate that alias names. Java writes aliases in lower
// case and reads them in any; two that differ in nothing else are not mixed up.
func choose(entries []trusted, alias string) (*x509.Certificate, error) {
	var same, similar []trusted
	var names []string
	for _, one := range entries {
		switch {
		case one.alias == alias:
			same = append(same, one)
		case strings.EqualFold(one.alias, alias):
			similar = append(similar, one)
		}
		if one.alias != "" {
			names = append(names, fmt.Sprintf("%.64q", one.alias))
		}
	}
	if alias == "" {
		same, similar = entries, nil
	}
	if len(same) == 0 {
		same = similar
	}
	slices.Sort(names)
	switch {
	case len(same) == 1:
		return same[0].certificate, nil
	case len(entries) == 0:
		return nil, errors.New("holds no certificate")
	case len(names) == 0:
		return nil, fmt.Errorf("holds %d certificates, whose aliases cannot be read: store them anew with a current keytool or openssl", len(entries))
	case alias == "":
		return nil, fmt.Errorf("holds several certificates, so alias must name one of %s", strings.Join(names, ", "))
	case len(same) > 1:
		return nil, fmt.Errorf("has %d entries with alias %q", len(same), alias)
	}
	return nil, fmt.Errorf("has no alias %q; it holds %s", alias, strings.Join(names, ", "))
}
