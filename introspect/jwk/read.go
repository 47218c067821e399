package jwk

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
)

// ErrFormat: what was read is neither PEM nor JSON.
var ErrFormat = errors.New("neither PEM nor a JSON Web Key")

// Read reads the keys of a PEM file, a JSON Web Key or a key set. Errors never
// repeat what they are about.
func Read(data []byte) ([]Key, error) {
	switch trimmed := bytes.TrimSpace(data); {
	case bytes.HasPrefix(trimmed, []byte("{")):
		return readJSON(trimmed)
	case bytes.Contains(trimmed, []byte("-----BEGIN ")):
		return readPEM(trimmed)
	}
	return nil, ErrFormat
}

func readPEM(data []byte) (keys []Key, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" { // openssl writes it before the key, which repeats it
			continue
		}
		k, err := readBlock(block)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", block.Type, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block can be read")
	}
	return keys, nil
}

func readBlock(block *pem.Block) (Key, error) {
	var found any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		found, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		found, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		found, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		found, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		found, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			found = certificate.PublicKey
		}
	case "ENCRYPTED PRIVATE KEY":
		err = errors.New("it is encrypted; openssl pkey writes it in the clear")
	default:
		err = errors.New("it is not a key")
	}
	if err != nil {
		return Key{}, err
	}
	return keyOf(found)
}

// keyOf sorts a key of the standard library in.
func keyOf(found any) (Key, error) {
	k := Key{Public: found}
	switch f := found.(type) {
	case crypto.Signer:
		k.Private, k.Public = f, f.Public()
	case []byte:
		k.Secret, k.Public = f, nil
	}
	if k.Algorithms() == nil {
		return Key{}, fmt.Errorf("no signature algorithm uses a %T", found)
	}
	return k, nil
}

func readJSON(data []byte) (keys []Key, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errors.New("the JSON cannot be read")
	}
	if set.Keys == nil {
		set.Keys = []json.RawMessage{data}
	}
	for i, raw := range set.Keys {
		k, err := readJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("read key %d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set is empty")
	}
	return keys, nil
}

// readJWK lets keyfunc read the key itself and nothing around it: it would
// fetch what x5u names.
func readJWK(raw json.RawMessage) (Key, error) {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return Key{}, errors.New("the JSON cannot be read")
	}
	members := map[string]any{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "k"} {
		if value, stated := all[name]; stated {
			members[name] = value
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return Key{}, fmt.Errorf("write the key: %w", err)
	}
	parsed, err := keyfunc.NewJWKJSON(text)
	if err != nil {
		return Key{}, fmt.Errorf("not a usable JSON Web Key of type %.16q", all["kty"])
	}
	stored, err := parsed.Storage().KeyReadAll(context.Background())
	if err != nil || len(stored) != 1 {
		return Key{}, errors.New("not one key")
	}
	k, err := keyOf(stored[0].Key())
	if err != nil {
		return Key{}, err
	}
	k.ID, _ = all["kid"].(string)
	k.Algorithm, _ = all["alg"].(string)
	if k.Algorithm == all["kty"] {
		k.Algorithm = "" // some write the type there
	}
	return k, nil
}
