package introspect

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	maxToken = 16 << 10 // longer tokens are refused unread
	maxKid   = 512
)

// segment decodes base64url without padding and with the spare bits zero, so
// that no two texts stand for one token. Line ends are refused by split: the
// decoder would skip them.
var segment = base64.RawURLEncoding.Strict()

// base64url marks the characters of a segment.
var base64url = func() (table [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		table[c] = true
	}
	return table
}()

// jws is a token taken apart; nothing in it is verified.
type jws struct {
	signed    string // what the signature covers
	signature string // encoded
	header    header
	claims    map[string]any
	cost      int // memory of claims
}

// header is what is read of a JOSE header. jku, jwk, x5u and x5c are never
// looked at: a token does not say by which key it is judged. It may name one of
// its issuer's, by kid or by the thumbprints of a certificate.
type header struct {
	alg, kid, typ, x5t, x5t256 string
	hasTyp                     bool
}

// parse takes raw apart without any work of cryptography.
func parse(raw string) (*jws, error) {
	first, second, err := split(raw)
	if err != nil {
		return nil, err
	}
	t := &jws{signed: raw[:second], signature: raw[second+1:]}
	if t.header, err = parseHeader(raw[:first]); err != nil {
		return nil, err
	}
	if t.claims, t.cost, err = parsePayload(raw[first+1 : second]); err != nil {
		return nil, err
	}
	return t, nil
}

// parsePayload reads the claims of a token, and what they occupy.
func parsePayload(encoded string) (claims map[string]any, cost int, err error) {
	payload, err := segment.DecodeString(encoded)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if claims, cost, err = parseObject(string(payload)); err != nil {
		return nil, 0, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if twin := twinOf(claims, registeredClaims); twin != "" {
		return nil, 0, fmt.Errorf("%w: %.64q is another spelling of a registered claim", ErrClaims, twin)
	}
	return claims, cost, nil
}

// split finds the two dots between three segments.
func split(raw string) (first, second int, err error) {
	if len(raw) > maxToken {
		return 0, 0, fmt.Errorf("%w: %d bytes long", ErrMalformed, len(raw))
	}
	first = strings.IndexByte(raw, '.')
	second = strings.LastIndexByte(raw, '.')
	if first <= 0 || second <= first+1 {
		return 0, 0, fmt.Errorf("%w: not three segments", ErrMalformed)
	}
	for i := range len(raw) {
		if !base64url[raw[i]] && i != first && i != second {
			return 0, 0, fmt.Errorf("%w: character outside base64url at byte %d", ErrMalformed, i)
		}
	}
	return first, second, nil
}

// looksSigned reports whether raw is meant to be a JWS, be it a broken one: it
// has three parts, the first of which is an object as far as can be seen. It
// allocates nothing.
func looksSigned(raw string) bool {
	if strings.Count(raw, ".") != 2 {
		return false
	}
	begin := raw[:strings.IndexByte(raw, '.')]
	begin = begin[:min(len(begin), 64)]
	var buffer [48]byte
	n, _ := base64.RawURLEncoding.Decode(buffer[:], []byte(begin)) // as far as it goes
	text := bytes.TrimLeft(buffer[:n], jsonSpace)
	if len(text) == 0 {
		return n > 0 // too much white space to tell
	}
	inner := bytes.TrimLeft(text[1:], jsonSpace)
	return text[0] == '{' && (len(inner) == 0 || inner[0] == '"' || inner[0] == '}')
}

const jsonSpace = " \t\n\r"

func parseHeader(encoded string) (h header, err error) {
	members, err := headerMembers(encoded)
	if err != nil {
		return h, err
	}
	return readHeader(members)
}

func headerMembers(encoded string) (map[string]any, error) {
	text, err := segment.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	members, _, err := parseObject(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	return members, nil
}

func readHeader(members map[string]any) (h header, err error) {
	if twin := twinOf(members, registeredParameters); twin != "" {
		return h, fmt.Errorf("%w: header: %.64q is another spelling of a parameter", ErrMalformed, twin)
	}
	for _, name := range refusedParameters {
		if _, present := members[name]; present {
			return h, fmt.Errorf("%w: header: %q is not supported", ErrMalformed, name)
		}
	}
	if h.alg, err = parameter(members, "alg"); err != nil {
		return h, err
	}
	if h.kid, err = parameter(members, "kid"); err != nil {
		return h, err
	}
	if len(h.kid) > maxKid {
		return h, fmt.Errorf("%w: header: kid of %d bytes", ErrMalformed, len(h.kid))
	}
	if h.x5t, err = parameter(members, "x5t"); err != nil {
		return h, err
	}
	if h.x5t256, err = parameter(members, "x5t#S256"); err != nil {
		return h, err
	}
	if err = plainContent(members); err != nil {
		return h, err
	}
	_, h.hasTyp = members["typ"]
	h.typ, err = parameter(members, "typ")
	return h, err
}

// plainContent refuses a token whose payload is another token (RFC 7519 5.2):
// what is inside would have to be judged by rules of its own.
func plainContent(members map[string]any) error {
	content, err := parameter(members, "cty")
	if err == nil && mediaType(content) == "jwt" {
		return fmt.Errorf("%w: header: nested tokens are not supported", ErrMalformed)
	}
	return err
}

// parameter is a header member that is a string when present.
func parameter(members map[string]any, name string) (string, error) {
	value, present := members[name]
	text, ok := value.(string)
	if present && !ok {
		return "", fmt.Errorf("%w: header: %s is not a string", ErrMalformed, name)
	}
	return text, nil
}

var (
	registeredClaims     = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}
	registeredParameters = []string{"alg", "kid", "typ", "cty", "crit", "b64", "zip", "enc", "x5t", "x5t#S256"}
	// RFC 7515 4.1.11: extensions that are not understood refuse the token. zip and
	// enc are of encrypted ones.
	refusedParameters = []string{"crit", "b64", "zip", "enc"}
)

// twinOf is a member that a reader ignoring case would take for one of names.
func twinOf(members map[string]any, names []string) string {
	// The longest fold of the longest name: ſ and K take up to three bytes a letter.
	const longest = len("x5t#S256") * 3
	for member := range members {
		if len(member) > longest {
			continue
		}
		for _, name := range names {
			if member != name && strings.EqualFold(member, name) {
				return member
			}
		}
	}
	return ""
}

// mediaType is typ in the form in which it is compared.
func mediaType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
