package introspect

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/provisioning/keystore"
)

// parseTruststore reads the key of one certificate in a PKCS #12 or JKS file,
// told apart by how it begins. Without an alias it must be the only one.
func parseTruststore(data []byte, password, alias string) (*keys, error) {
	entries, err := keystore.Certificates(data, password)
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
func choose(entries []keystore.Entry, alias string) (*x509.Certificate, error) {
	var same, similar []keystore.Entry
	var names []string
	for _, one := range entries {
		switch {
		case one.Alias == alias:
			same = append(same, one)
		case strings.EqualFold(one.Alias, alias):
			similar = append(similar, one)
		}
		if one.Alias != "" {
			names = append(names, fmt.Sprintf("%.64q", one.Alias))
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
		return same[0].Certificate, nil
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
