package introspect

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"postern/provisioning/config"
)

// What can be wrong with a proof of possession.
var (
	ErrProof  = errors.New("proof of possession is not acceptable")
	ErrReplay = errors.New("proof of possession was shown before")
	// ErrNonce: the holder must use the nonce that Nonce gives out.
	ErrNonce = errors.New("proof of possession lacks the gateway's nonce")
)

// Proofs judges DPoP proofs (RFC 9449 4.3). It remembers those it has seen for
// as long as they could be shown again. Safe for concurrent use.
type Proofs struct {
	limits config.Proofs
	skew   time.Duration
	seen   *replays
	nonces *nonces // nil: none are asked for
	gate   *gate
}

// Possession is a proof and what it must be about.
type Possession struct {
	Proof, Token string
	Method       string
	URI          string // scheme, host and path of the request, as NormalURI writes it
	Key          string // thumbprint to which the token is bound
	Holder       string // whom the token speaks for: of those each has a share of the memory
}

// newProofs takes over from previous, which may be nil, what it remembers and what
// is going on, where the rules for it are unchanged. Proofs have turns of their
// own: whoever shows one has a good token, and strangers' must not keep it
// waiting.
func newProofs(limits config.Proofs, skew time.Duration, turns *gate, previous *Proofs) *Proofs {
	p := &Proofs{limits: limits, skew: skew, gate: turns}
	if previous != nil && p.sameRules(previous) {
		p.seen, p.nonces = previous.seen, previous.nonces
	} else {
		p.seen = newReplays(limits.Entries, time.Duration(limits.MaxAge)+2*skew)
	}
	if previous != nil && cap(previous.gate.running) == cap(turns.running) {
		p.gate = previous.gate
	}
	if limits.Nonce && p.nonces == nil {
		p.nonces = newNonces(time.Duration(limits.MaxAge))
	}
	return p
}

func (p *Proofs) sameRules(other *Proofs) bool {
	return p.limits == other.limits && p.skew == other.skew
}

// Nonce is what holders must put into their proofs from now on; empty when none
// is asked for.
func (p *Proofs) Nonce(now time.Time) string {
	if p.nonces == nil {
		return ""
	}
	return p.nonces.at(now)
}

// Check judges a proof that comes with a token which has been verified: what is
// cheap first, then the signature, and last whether it was seen before. The
// error is ErrProof, ErrNonce, ErrReplay or ErrBusy.
func (p *Proofs) Check(ctx context.Context, have Possession, now time.Time) error {
	t, k, err := parseProof(have.Proof)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	method := signingMethods()[t.header.alg]
	switch thumbprint, err := k.thumbprint(); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrProof, err)
	case subtle.ConstantTimeCompare([]byte(thumbprint), []byte(have.Key)) != 1:
		return fmt.Errorf("%w: it is by another key than the token is bound to", ErrProof)
	case method == nil || !k.verifies(t.header.alg):
		return fmt.Errorf("%w: algorithm %.64q", ErrProof, t.header.alg)
	}
	id, err := p.statement(t, have, now)
	if err != nil {
		return err
	}
	signature, err := segment.DecodeString(t.signature)
	if err != nil {
		return fmt.Errorf("%w: signature: %w", ErrProof, err)
	}
	if err := p.gate.enter(ctx); err != nil {
		return err
	}
	wrong := !k.fits(signature) || method.Verify(t.signed, signature, k.material()) != nil
	p.gate.leave()
	if wrong {
		return fmt.Errorf("%w: signature", ErrProof)
	}
	return p.seen.add(have.Holder, have.Key+"\x00"+id, now)
}

// parseProof takes a proof and the key in its header apart.
func parseProof(raw string) (*jws, *key, error) {
	first, second, err := split(raw)
	if err != nil {
		return nil, nil, err
	}
	members, err := headerMembers(raw[:first])
	if err != nil {
		return nil, nil, err
	}
	t := &jws{signed: raw[:second], signature: raw[second+1:]}
	if t.header, err = readHeader(members); err != nil {
		return nil, nil, err
	}
	if mediaType(t.header.typ) != "dpop+jwt" {
		return nil, nil, fmt.Errorf("%w: typ %.64q", ErrMalformed, t.header.typ)
	}
	shown, ok := members["jwk"].(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("%w: header: no jwk", ErrMalformed)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, nil, err
	}
	_, k, err := parseJWK(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: jwk: %w", ErrMalformed, err)
	}
	if t.claims, t.cost, err = parsePayload(raw[first+1 : second]); err != nil {
		return nil, nil, err
	}
	return t, k, nil
}

const (
	maxProofID = 256 // bytes of a jti
	minProofID = 8   // fewer are no random number
)

// statement judges what a proof says, and returns its jti.
func (p *Proofs) statement(t *jws, have Possession, now time.Time) (id string, err error) {
	made, present, err := t.date("iat")
	switch {
	case err != nil || !present:
		return "", fmt.Errorf("%w: iat is missing or no date", ErrProof)
	case now.Add(p.skew).Before(made) || now.After(made.Add(time.Duration(p.limits.MaxAge)+p.skew)):
		return "", fmt.Errorf("%w: iat %s is too far from now", ErrProof, t.claims["iat"])
	}
	sum := sha256.Sum256([]byte(have.Token))
	for _, want := range []struct{ claim, value string }{
		{"htm", have.Method},
		{"ath", base64.RawURLEncoding.EncodeToString(sum[:])},
	} {
		if got, _ := t.claims[want.claim].(string); got != want.value {
			return "", fmt.Errorf("%w: %s is %.64q, not %q", ErrProof, want.claim, got, want.value)
		}
	}
	said, _ := t.claims["htu"].(string)
	if at, err := NormalURI(said); err != nil || at != have.URI {
		return "", fmt.Errorf("%w: htu is %.256q, not %q", ErrProof, said, have.URI)
	}
	if id, _ = t.claims["jti"].(string); len(id) < minProofID || len(id) > maxProofID {
		return "", fmt.Errorf("%w: jti of %d bytes", ErrProof, len(id))
	}
	if p.nonces != nil {
		if nonce, _ := t.claims["nonce"].(string); !p.nonces.current(nonce, now) {
			return "", ErrNonce
		}
	}
	return id, nil
}

// NormalURI is an http or https address in the form in which two that mean the
// same are equal, without query and fragment (RFC 3986 6.2.2, 6.2.3; RFC 9449
// 4.3).
func NormalURI(raw string) (string, error) {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("%.256q is not an address", raw)
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	default:
		return "", fmt.Errorf("scheme of %.256q is neither http nor https", raw)
	}
	path := normalPath(u.EscapedPath())
	return scheme + "://" + host + path, nil
}

// normalPath decodes what need not be escaped and writes the rest in upper case.
func normalPath(path string) string {
	if path == "" {
		return "/"
	}
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) {
			b.WriteByte(path[i])
			continue
		}
		c := unhex(path[i+1])<<4 | unhex(path[i+2])
		if base64url[c] || c == '.' || c == '~' {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

// unhex is the value of a hexadecimal digit; url.Parse has seen that it is one.
func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
