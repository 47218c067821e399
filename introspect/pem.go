package introspect

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// parseCertificate reads the key of the one certificate in a PEM file.
func parseCertificate(data []byte) (*keys, error) {
	block, err := onlyBlock(data)
	if err != nil {
		return nil, err
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("holds a %s, not a CERTIFICATE", block.Type)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	k, err := keyOf("", "", parsed)
	if err != nil {
		return nil, err
	}
	return soleKey(k), nil
}

// parsePublicKey reads the one public key in a PEM file.
func parsePublicKey(data []byte) (*keys, error) {
	block, err := onlyBlock(data)
	if err != nil {
		return nil, err
	}
	var public any
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("holds a %s, not a PUBLIC KEY", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	k, err := newKey("", "", public)
	if err != nil {
		return nil, err
	}
	return soleKey(k), nil
}

func onlyBlock(data []byte) (*pem.Block, error) {
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, errors.New("holds no PEM block")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("holds more than one PEM block, so which key is meant is not clear")
	}
	return block, nil
}

// soleKey is a set of one key, whatever kid a token states.
func soleKey(k *key) *keys {
	set := newKeys([]*key{k}, nil)
	set.unnamed = set.all
	return set
}
