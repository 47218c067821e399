package token

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claims are the flags that say what a token claims.
type claims struct {
	Issuer    string   `placeholder:"TEXT" help:"iss."`
	Subject   string   `placeholder:"TEXT" help:"sub."`
	Audience  []string `sep:"none" placeholder:"TEXT" help:"aud. Repeats."`
	Expires   string   `placeholder:"TIME" help:"exp. Default: 5m."`
	NotBefore string   `placeholder:"TIME" help:"nbf. Default: none."`
	IssuedAt  string   `placeholder:"TIME" help:"iat. Default: now."`
	JTI       string   `name:"jti" placeholder:"TEXT" help:"jti; auto is a random one."`
	Claims    string   `placeholder:"FILE|-" complete:"file" help:"A JSON object of claims."`
	Claim     []string `sep:"none" placeholder:"NAME=TEXT" help:"A claim: name=text, or name:=JSON for numbers, lists and objects. Repeats."`
}

// collect puts the claims together.
func (c claims) collect(stdin io.Reader, now time.Time) (jwt.MapClaims, error) {
	all := jwt.MapClaims{}
	if err := c.readObject(all, stdin); err != nil {
		return nil, fmt.Errorf("--claims: %w", err)
	}
	for name, text := range map[string]string{"iss": c.Issuer, "sub": c.Subject} {
		if text != "" {
			all[name] = text
		}
	}
	switch {
	case c.JTI == "auto":
		all["jti"] = rand.Text()
	case c.JTI != "":
		all["jti"] = c.JTI
	}
	switch len(c.Audience) {
	case 0:
	case 1:
		all["aud"] = c.Audience[0] // as most issuers write it
	default:
		all["aud"] = c.Audience
	}
	if err := c.setDates(all, now); err != nil {
		return nil, err
	}
	for _, text := range c.Claim {
		name, value, err := member(text)
		if err != nil {
			return nil, fmt.Errorf("--claim: %w", err)
		}
		all[name] = value
	}
	return all, nil
}

func (c claims) readObject(all jwt.MapClaims, stdin io.Reader) error {
	if c.Claims == "" {
		return nil
	}
	read := func() (string, error) { return readFile(c.Claims) }
	if c.Claims == "-" {
		read = func() (string, error) { return readAll(stdin) }
	}
	text, err := read()
	if err != nil {
		return err
	}
	value, err := parseJSON(text)
	if err != nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("it is not a JSON object")
	}
	maps.Copy(all, object)
	return nil
}

// setDates sets what is stated, and the defaults of what --claims leaves open.
func (c claims) setDates(all jwt.MapClaims, now time.Time) error {
	for _, date := range []struct{ flag, claim, text, otherwise string }{
		{"--expires", "exp", c.Expires, "5m"},
		{"--not-before", "nbf", c.NotBefore, "none"},
		{"--issued-at", "iat", c.IssuedAt, "now"},
	} {
		if _, stated := all[date.claim]; stated && date.text == "" {
			continue
		}
		if date.text == "" {
			date.text = date.otherwise
		}
		when, err := parseTime(date.text, now)
		if err != nil {
			return fmt.Errorf("%s: %w", date.flag, err)
		}
		if delete(all, date.claim); !when.IsZero() {
			all[date.claim] = when.Unix()
		}
	}
	return nil
}

// parseTime reads a time; zero: none.
func parseTime(text string, now time.Time) (time.Time, error) {
	switch text {
	case "none":
		return time.Time{}, nil
	case "now":
		return now, nil
	}
	if span, err := time.ParseDuration(text); err == nil {
		return now.Add(span), nil
	}
	if when, err := time.Parse(time.RFC3339, text); err == nil {
		return when, nil
	}
	return time.Time{}, fmt.Errorf("%q is not a duration such as 5m, a time such as 2026-11-30T12:00:00Z, now or none", text)
}

// member reads name=text or name:=JSON.
func member(text string) (name string, value any, err error) {
	name, rest, found := strings.Cut(text, "=")
	if name, isJSON := strings.CutSuffix(name, ":"); found && isJSON && name != "" {
		value, err := parseJSON(rest)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", name, err)
		}
		return name, value, nil
	}
	if !found || name == "" {
		return "", nil, fmt.Errorf("%q is neither name=text nor name:=JSON", text)
	}
	return name, rest, nil
}

// parseJSON keeps numbers as they are written.
func parseJSON(text string) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewBufferString(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON: text after the end")
	}
	return value, nil
}
