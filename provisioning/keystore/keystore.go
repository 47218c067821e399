// Package keystore reads Java key stores and trust stores, JKS and PKCS #12, told
// apart by how they begin. What its numbers could make a reader do is bounded.
package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a store: what its numbers could make a reader do.
const (
	maxStoreEntries = 1024
	maxIterations   = 1_000_000 // of a password's hash
	maxSafes        = 16        // each with a hash of its own
)

// Entry is a certificate of a store.
type Entry struct {
	Alias       string // empty: not known
	Certificate *x509.Certificate
}

// Pair is a private key (PKCS #8, DER) with the chain of its certificate, its own
// first.
type Pair struct {
	Key   []byte
	Chain [][]byte
}

// isJKS tells the two kinds apart.
func isJKS(data []byte) (bool, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return true, nil
	case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
		return false, errors.New("is a JCEKS store: convert it to PKCS #12")
	case !bytes.HasPrefix(data, []byte{0x30}):
		return false, errors.New("is neither PKCS #12 nor JKS")
	}
	return false, nil
}

// Certificates are the trusted ones of a store, and the first of the chain of
// each private key of a JKS.
func Certificates(data []byte, password string) ([]Entry, error) {
	java, err := isJKS(data)
	switch {
	case err != nil:
		return nil, err
	case java:
		return readJKS(data, password)
	}
	return readPKCS12(data, password)
}

// PrivateKey is the one of alias; "": the only one. Of a PKCS #12 file it is the
// only one in any case. Only what the operator has put there is read by it: how
// often the password of a PKCS #12 key is hashed is not bounded.
func PrivateKey(data []byte, password, alias string) (*Pair, error) {
	java, err := isJKS(data)
	switch {
	case err != nil:
		return nil, err
	case java:
		return pairInJKS(data, password, alias)
	}
	return pairInPKCS12(data, password)
}

func onlyOne(found []string, alias string) error {
	switch {
	case len(found) == 1:
		return nil
	case len(found) == 0 && alias == "":
		return errors.New("holds no private key")
	case len(found) == 0:
		return fmt.Errorf("holds no private key with alias %q", alias)
	}
	slices.Sort(found)
	return fmt.Errorf("holds several private keys, so alias must name one of %s", strings.Join(found, ", "))
}

// ChainPEM and KeyPEM are the pair as PEM files hold it.
func (p *Pair) ChainPEM() []byte {
	var b bytes.Buffer
	for _, der := range p.Chain {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return b.Bytes()
}

// KeyPEM is described with ChainPEM.
func (p *Pair) KeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.Key})
}
