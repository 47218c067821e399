package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
)

// readJKS reads the certificates of a Java key store: the trusted ones, and the
// first of the chain of each private key.
func readJKS(data []byte, password string) ([]Entry, error) {
	store, err := loadJKS(data, password)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, alias := range store.Aliases() {
		der, ok := certificateIn(store, alias)
		if !ok {
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %.64q: %w", alias, err)
		}
		entries = append(entries, Entry{alias, c})
	}
	return entries, nil
}

func loadJKS(data []byte, password string) (jks.KeyStore, error) {
	store := jks.New(jks.WithCaseExactAliases(), jks.WithOrderedAliases())
	if !jksFits(data) {
		return store, errors.New("is a JKS store that is cut off or damaged")
	}
	if err := store.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return store, errors.New("cannot be read as JKS: the password is wrong, or the file is damaged")
	}
	return store, nil
}

// pairInJKS finds the private key of alias, or the only one. Its password is
// that of the store.
func pairInJKS(data []byte, password, alias string) (*Pair, error) {
	store, err := loadJKS(data, password)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range store.Aliases() {
		if store.IsPrivateKeyEntry(name) && (alias == "" || strings.EqualFold(name, alias)) {
			found = append(found, name)
		}
	}
	if err := onlyOne(found, alias); err != nil {
		return nil, err
	}
	entry, err := store.GetPrivateKeyEntry(found[0], []byte(password))
	if err != nil {
		return nil, errors.New("its private key cannot be read: the key's password must be the store's")
	}
	pair := &Pair{Key: entry.PrivateKey}
	for _, c := range entry.CertificateChain {
		pair.Chain = append(pair.Chain, c.Content)
	}
	return pair, nil
}

func certificateIn(store jks.KeyStore, alias string) (der []byte, ok bool) {
	if entry, err := store.GetTrustedCertificateEntry(alias); err == nil {
		return entry.Certificate.Content, true
	}
	if chain, err := store.GetPrivateKeyEntryCertificateChain(alias); err == nil && len(chain) > 0 {
		return chain[0].Content, true
	}
	return nil, false
}

// jksFits reports whether each length in a JKS file is within the file. The
// library would set aside as much memory as a length says.
func jksFits(data []byte) bool {
	const privateKey, trustedCertificate = 1, 2
	r := jksReader{rest: data}
	r.skip(4)
	version, entries := r.number(), r.number()
	if version != 1 && version != 2 || entries > maxStoreEntries {
		return false
	}
	for range entries {
		kind := r.number()
		r.text()
		r.skip(8) // when it was made
		switch kind {
		case privateKey:
			r.skip(int64(r.number()))
			chain := r.number()
			for i := uint32(0); i < chain && !r.short; i++ {
				r.certificate(version)
			}
		case trustedCertificate:
			r.certificate(version)
		default:
			return false
		}
	}
	return !r.short && len(r.rest) == 20 // a SHA-1
}

// jksReader walks over a JKS file.
type jksReader struct {
	rest  []byte
	short bool // something was longer than what is left
}

func (r *jksReader) skip(n int64) {
	if n > int64(len(r.rest)) {
		r.rest, r.short = nil, true
		return
	}
	r.rest = r.rest[n:]
}

func (r *jksReader) number() (n uint32) {
	if len(r.rest) >= 4 {
		n = binary.BigEndian.Uint32(r.rest)
	}
	r.skip(4)
	return n
}

func (r *jksReader) text() {
	n := 0
	if len(r.rest) >= 2 {
		n = int(binary.BigEndian.Uint16(r.rest))
	}
	r.skip(int64(2 + n))
}

func (r *jksReader) certificate(version uint32) {
	if version == 2 {
		r.text() // its type
	}
	r.skip(int64(r.number()))
}
