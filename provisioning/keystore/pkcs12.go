package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"unicode/utf16"

	"software.sslmate.com/src/go-pkcs12"
)

// The structures of RFC 7292 and RFC 8018 that hold certificates and their
// names. go-pkcs12 reads the certificates of a trust store, but not the names.
type (
	pfx struct {
		Version int
		Safe    contentInfo
		MAC     macData `asn1:"optional"`
	}
	macData struct {
		Digest struct {
			Algorithm pkix.AlgorithmIdentifier
			Value     []byte
		}
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	encryptedData struct {
		Version int
		Content struct {
			Type      asn1.ObjectIdentifier
			Algorithm pkix.AlgorithmIdentifier
			Data      []byte `asn1:"tag:0,optional"`
		}
	}
	safeBag struct {
		Type       asn1.ObjectIdentifier
		Value      asn1.RawValue `asn1:"tag:0,explicit"`
		Attributes []bagName     `asn1:"set,optional"`
	}
	bagName struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue `asn1:"set"`
	}
	certBag struct {
		Type asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
	pbes2 struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	kdf   struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	legacyKDF struct {
		Salt       []byte
		Iterations int
	}
)

var errOldCipher = errors.New("encrypted in a way of old")

// oid compares an object identifier with its text.
func oid(id asn1.ObjectIdentifier, text string) bool { return id.String() == text }

// readPKCS12 reads the certificates of a PKCS #12 file. go-pkcs12 checks the
// password; the names of what is encrypted in ways of old stay unknown.
func readPKCS12(data []byte, password string) ([]Entry, error) {
	var file pfx
	if err := derRead(data, &file); err != nil {
		return nil, fmt.Errorf("parse PKCS #12: %w", err)
	}
	if err := file.MAC.check(); err != nil {
		return nil, err
	}
	entries, err := file.certificates(password)
	if err != nil && !errors.Is(err, errOldCipher) {
		return nil, fmt.Errorf("parse PKCS #12: %w", err)
	}
	certificates, theirs := pkcs12.DecodeTrustStore(data, password)
	switch {
	case errors.Is(theirs, pkcs12.ErrIncorrectPassword), len(file.MAC.Salt) == 0 && password != "":
		return nil, errors.New("cannot be read as PKCS #12: the password is wrong")
	case theirs != nil && (err != nil || !afterMAC(theirs)):
		return nil, fmt.Errorf("parse PKCS #12: %w", theirs)
	case err == nil:
		return entries, nil
	}
	for _, c := range certificates {
		entries = append(entries, Entry{Certificate: c})
	}
	return entries, nil
}

// pairInPKCS12 is the one private key of a file, with its chain.
func pairInPKCS12(data []byte, password string) (*Pair, error) {
	var file pfx
	if err := derRead(data, &file); err != nil {
		return nil, fmt.Errorf("parse PKCS #12: %w", err)
	}
	if err := file.MAC.check(); err != nil {
		return nil, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, errors.New("cannot be read as PKCS #12: the password is wrong")
	}
	if err != nil && strings.Contains(err.Error(), "exactly one key") { // go-pkcs12 has no name for it
		return nil, errors.New("holds several private keys, and a PKCS #12 file may have one: keytool -importkeystore -srcalias writes a file with one")
	}
	if err != nil {
		return nil, fmt.Errorf("parse PKCS #12: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write its private key: %w", err)
	}
	pair := &Pair{Key: der, Chain: [][]byte{leaf.Raw}}
	for _, c := range chain {
		pair.Chain = append(pair.Chain, c.Raw)
	}
	return pair, nil
}

// afterMAC reports whether go-pkcs12 refused a file for what it is, having checked
// its integrity before: it wants one safe, and nothing in it but certificates
// that Java trusts. Any other refusal may have come before that.
func afterMAC(err error) bool {
	for _, known := range [...]string{
		"expected exactly 1 items in the authenticated safe", "expected only certificate bags", "is not marked as trusted",
	} {
		if strings.Contains(err.Error(), known) {
			return true
		}
	}
	return false
}

// check bounds how often the password is hashed, which PBMAC1 of RFC 9579 says
// elsewhere.
func (m *macData) check() error {
	iterations := m.Iterations
	if oid(m.Digest.Algorithm.Algorithm, "1.2.840.113549.1.5.14") {
		var params pbes2
		var hashing kdf
		if derRead(m.Digest.Algorithm.Parameters.FullBytes, &params) != nil || derRead(params.KDF.Parameters.FullBytes, &hashing) != nil {
			return errors.New("its integrity check cannot be read")
		}
		iterations = hashing.Iterations
	}
	if iterations > maxIterations {
		return fmt.Errorf("its password is hashed more than %d times", maxIterations)
	}
	return nil
}

// certificates reads what is in the clear or encrypted by PBES2.
func (p *pfx) certificates(password string) (entries []Entry, err error) {
	var inner []byte
	var safes []contentInfo
	if err := derRead(p.Safe.Content.Bytes, &inner); err != nil {
		return nil, err
	}
	if err := derRead(inner, &safes); err != nil {
		return nil, err
	}
	if len(safes) > maxSafes {
		return nil, fmt.Errorf("more than %d safes", maxSafes)
	}
	for _, safe := range safes {
		text, err := safe.open(password)
		if err != nil {
			return nil, err
		}
		var bags []safeBag
		if err := derRead(text, &bags); err != nil {
			return nil, errors.New("the password is wrong, or the file is damaged")
		}
		for _, bag := range bags {
			if !oid(bag.Type, "1.2.840.113549.1.12.10.1.3") {
				continue
			}
			one, err := bag.certificate()
			if err != nil {
				return nil, err
			}
			if entries = append(entries, one); len(entries) > maxStoreEntries {
				return nil, fmt.Errorf("more than %d certificates", maxStoreEntries)
			}
		}
	}
	return entries, nil
}

func (b *safeBag) certificate() (one Entry, err error) {
	var inner certBag
	if err = derRead(b.Value.Bytes, &inner); err != nil {
		return one, err
	}
	if one.Certificate, err = x509.ParseCertificate(inner.Data); err != nil {
		return one, err
	}
	for _, name := range b.Attributes {
		var text asn1.RawValue
		if oid(name.Type, "1.2.840.113549.1.9.20") && derRead(name.Value.Bytes, &text) == nil {
			one.Alias = bmpString(text.Bytes)
		}
	}
	return one, nil
}

// open returns the plain text of a safe.
func (c *contentInfo) open(password string) (text []byte, err error) {
	if oid(c.Type, "1.2.840.113549.1.7.1") {
		err = derRead(c.Content.Bytes, &text)
		return text, err
	}
	var sealed encryptedData
	if err := derRead(c.Content.Bytes, &sealed); err != nil {
		return nil, err
	}
	algorithm := sealed.Content.Algorithm
	if !oid(algorithm.Algorithm, "1.2.840.113549.1.5.13") {
		var params legacyKDF
		if err := derRead(algorithm.Parameters.FullBytes, &params); err != nil || params.Iterations > maxIterations {
			return nil, errors.New("its encryption cannot be read")
		}
		return nil, errOldCipher
	}
	block, iv, err := pbes2Cipher(algorithm.Parameters.FullBytes, password)
	data := sealed.Content.Data
	if err != nil || len(iv) != block.BlockSize() || len(data) == 0 || len(data)%len(iv) != 0 {
		return nil, errors.Join(errors.New("its encryption cannot be read"), err)
	}
	text = make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, data)
	padding := int(text[len(text)-1])
	if padding == 0 || padding > len(iv) || !bytes.HasSuffix(text, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("the password is wrong, or the file is damaged")
	}
	return text[:len(text)-padding], nil
}

func pbes2Cipher(der []byte, password string) (block cipher.Block, iv []byte, err error) {
	var params pbes2
	var hashing kdf
	if err := derRead(der, &params); err != nil {
		return nil, nil, err
	}
	if err := derRead(params.KDF.Parameters.FullBytes, &hashing); err != nil {
		return nil, nil, err
	}
	size := map[string]int{
		"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32,
	}[params.Cipher.Algorithm.String()]
	prf := map[string]func() hash.Hash{
		"": sha1.New, "1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.11": sha512.New,
	}[hashing.PRF.Algorithm.String()]
	if size == 0 || prf == nil || hashing.Iterations < 1 || hashing.Iterations > maxIterations {
		return nil, nil, errors.New("not PBKDF2 and AES, or its password is hashed too often")
	}
	secret, err := pbkdf2.Key(prf, password, hashing.Salt, hashing.Iterations, size)
	if err != nil {
		return nil, nil, err
	}
	block, err = aes.NewCipher(secret)
	return block, params.Cipher.Parameters.Bytes, err
}

// derRead reads der, all of it.
func derRead(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		return errors.New("text after the end")
	}
	return err
}

// bmpString is UTF-16, the high byte first.
func bmpString(data []byte) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}
