package introspect

import (
	"fmt"
	"strings"
	"time"
)

// maxAnswer bounds what is read of what an authorization server says of one
// token.
const maxAnswer = 64 << 10

// readAnswer reads what an authorization server says of a token (RFC 7662 2.2),
// whose clock may be skew ahead.
// An error is ErrInactive, another reason to refuse the token, or ErrUnreachable
// when the answer makes no sense. cost is what the token's claims occupy.
func readAnswer(body []byte, issuer string, now time.Time, skew time.Duration) (token *Token, cost int, err error) {
	if len(body) > maxAnswer {
		return nil, 0, fmt.Errorf("%w: an answer of %d bytes", ErrNoAnswer, len(body))
	}
	members, cost, err := parseObject(string(body))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	active, ok := members["active"].(bool)
	if !ok {
		return nil, 0, fmt.Errorf("%w: active is not a boolean", ErrNoAnswer)
	}
	if !active {
		return nil, 0, ErrInactive
	}
	if twin := twinOf(members, answerMembers); twin != "" {
		return nil, 0, fmt.Errorf("%w: %.64q is another spelling of a registered member", ErrClaims, twin)
	}
	if said := refreshes(members); said != "" {
		return nil, 0, fmt.Errorf("%w: %s says that it is a refresh token", ErrClaims, said)
	}
	delete(members, "active")
	said := &jws{claims: members}
	if token, err = said.statement(now, skew); err != nil {
		return nil, 0, err
	}
	if issuer != "" && token.Issuer != "" && token.Issuer != issuer {
		return nil, 0, fmt.Errorf("%w: %.256q", ErrUnknownIssuer, token.Issuer)
	}
	return token, cost, nil
}

// refreshes is the member that says that a token is for its authorization server
// alone; "": none does. RFC 7662 lets such a token be active, and names no member
// that tells it from an access token.
func refreshes(members map[string]any) string {
	for _, name := range [...]string{"token_use", "token_type", "typ"} {
		switch kind, _ := members[name].(string); strings.ToLower(kind) {
		case "refresh_token", "refresh", "offline":
			return name
		}
	}
	return ""
}

// answerMembers are the members of which no other spelling is taken.
var answerMembers = append([]string{"active", "scope"}, registeredClaims...)

// statement reads the members that a JWT has too. The authorization server has
// judged the token, so exp may be absent; what it says of dates still holds.
func (t *jws) statement(now time.Time, skew time.Duration) (*Token, error) {
	tok := &Token{Claims: t.claims}
	var err error
	if tok.Issuer, err = t.text("iss"); err != nil {
		return nil, err
	}
	if tok.Subject, err = t.text("sub"); err != nil {
		return nil, err
	}
	if tok.Subject == "" {
		if tok.Subject, err = t.text("username"); err != nil {
			return nil, err
		}
	}
	if tok.Audience, err = t.audience(); err != nil {
		return nil, err
	}
	if tok.Bound, err = t.binding(); err != nil {
		return nil, err
	}
	expires, present, err := t.date("exp")
	switch {
	case err != nil:
		return nil, err
	case present && !now.Before(expires):
		return nil, fmt.Errorf("%w: exp %s", ErrExpired, readable(expires))
	case present:
		tok.Expires, tok.Until = expires, expires
	}
	begin, present, err := t.date("nbf")
	switch {
	case err != nil:
		return nil, err
	case present && now.Add(skew).Before(begin):
		return nil, fmt.Errorf("%w: nbf %s", ErrNotYetValid, readable(begin))
	}
	tok.Scopes = t.scopes()
	return tok, nil
}
