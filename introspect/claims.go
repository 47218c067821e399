package introspect

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// latest is the end of the year 9999: a later date is a mistake, and would
// overflow further on.
const latest = 253402300799

// token reads the registered claims and checks what can be checked without a
// key. skew widens each date by what clocks may differ.
func (t *jws) token(now time.Time, skew time.Duration) (*Token, error) {
	tok := &Token{Claims: t.claims}
	var err error
	if tok.Issuer, err = t.text("iss"); err != nil {
		return nil, err
	}
	if tok.Subject, err = t.text("sub"); err != nil {
		return nil, err
	}
	if _, err = t.text("jti"); err != nil {
		return nil, err
	}
	if tok.Audience, err = t.audience(); err != nil {
		return nil, err
	}
	if tok.Expires, err = t.validity(now, skew); err != nil {
		return nil, err
	}
	tok.Until = tok.Expires.Add(skew)
	if tok.Bound, err = t.binding(); err != nil {
		return nil, err
	}
	tok.Scopes = t.scopes()
	return tok, nil
}

// text is a claim that is a string when present.
func (t *jws) text(claim string) (string, error) {
	value, present := t.claims[claim]
	text, ok := value.(string)
	if present && !ok {
		return "", fmt.Errorf("%w: %s is not a string", ErrClaims, claim)
	}
	return text, nil
}

// audience is aud: absent, a string, or a list of strings.
func (t *jws) audience() ([]string, error) {
	value, present := t.claims["aud"]
	if !present {
		return nil, nil
	}
	if one, ok := value.(string); ok {
		return []string{one}, nil
	}
	if all, ok := stringList(value); ok {
		return all, nil
	}
	return nil, fmt.Errorf("%w: aud is neither a string nor a list of strings", ErrClaims)
}

// scopes is scope, else scp; each may be a list or separated by spaces, and by
// nothing else (RFC 6749 3.3). A value of another kind grants nothing.
func (t *jws) scopes() []string {
	value, present := t.claims["scope"]
	if !present {
		value = t.claims["scp"]
	}
	if text, ok := value.(string); ok {
		return strings.FieldsFunc(text, func(c rune) bool { return c == ' ' })
	}
	list, _ := stringList(value)
	return list
}

func stringList(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return list, true
}

// validity judges exp, which is required, nbf and iat.
func (t *jws) validity(now time.Time, skew time.Duration) (expires time.Time, err error) {
	expires, present, err := t.date("exp")
	switch {
	case err != nil:
		return expires, err
	case !present:
		return expires, fmt.Errorf("%w: no exp", ErrClaims)
	case !now.Before(expires.Add(skew)):
		return expires, fmt.Errorf("%w: exp %s", ErrExpired, readable(expires))
	}
	for _, claim := range [...]string{"nbf", "iat"} {
		begin, present, err := t.date(claim)
		if err != nil {
			return expires, err
		}
		if present && now.Add(skew).Before(begin) {
			return expires, fmt.Errorf("%w: %s %s", ErrNotYetValid, claim, readable(begin))
		}
	}
	return expires, nil
}

// readable is a date as the log writes the time beside it.
func readable(date time.Time) string { return date.UTC().Format(time.RFC3339) }

// date is a NumericDate of RFC 7519.
func (t *jws) date(claim string) (date time.Time, present bool, err error) {
	value, present := t.claims[claim]
	if !present {
		return date, false, nil
	}
	number, ok := value.(json.Number)
	if !ok || len(number) > 32 {
		return date, true, fmt.Errorf("%w: %s is not a number", ErrClaims, claim)
	}
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil && 0 <= n && n <= latest {
		return time.Unix(n, 0), true, nil
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f < 0 || f > latest {
		return date, true, fmt.Errorf("%w: %s is out of range", ErrClaims, claim)
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(fraction*1e9)), true, nil
}
