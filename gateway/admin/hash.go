package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"

	"postern/provisioning/config"
	"postern/provisioning/shown"
)

// Hash names a configuration: the SHA-256 of what the settings show, with the
// content of public files in place of their paths. Two gateways with the same
// configuration have the same hash, wherever their files lie and however many
// processors they have: tokens.verifications, which depends on that, is left out.
//
// Nothing secret goes into it, for whoever sees the hash could try secrets
// against it until one fits. A rotated secret makes a new generation, with the
// same hash.
func Hash(cfg *config.Config) string {
	cleared := *cfg
	cleared.Tokens.Verifications = 0 // its default differs from host to host
	text, err := json.Marshal(shown.Part(&cleared, shown.Hidden{File: publicContent}))
	if err != nil {
		return "" // not for what settings can show
	}
	for i := range cfg.APIs {
		if d := cfg.APIs[i].Definition; d != nil {
			text = append(text, d.Digest...)
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// publicContent is the digest of what everybody may know of a file:
// certificates and public keys. Of other files it tells nothing but that they
// are there.
func publicContent(f config.File) any {
	if f.IsZero() {
		return nil
	}
	digest := sha256.New()
	for rest := f.Data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY":
			digest.Write(block.Bytes)
		}
	}
	digest.Write(publicKeys(f.Data))
	return hex.EncodeToString(digest.Sum(nil))
}

// publicKeys is a JWKS with the members that RFC 7517 and 7518 have for public
// keys; nil when text is none.
func publicKeys(text []byte) []byte {
	type key struct {
		Kty, Kid, Use, Alg, Crv, X, Y, N, E string
		X5c                                 []string
	}
	var set struct {
		Keys []key
	}
	if json.Unmarshal(text, &set) != nil || set.Keys == nil {
		return nil
	}
	public, _ := json.Marshal(set) // strings can be written
	return public
}
