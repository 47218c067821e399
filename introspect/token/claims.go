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
	"github.com/spf13/cobra"
)

// claims are the flags that say what a token claims.
type claims struct {
	issuer, subject              string
	audience                     []string
	expires, notBefore, issuedAt string // as when reads them
	jti                          string
	object                       string // a file, or "-"
	members                      []string
}

func (c *claims) bind(to *cobra.Command) {
	flags := to.Flags()
	flags.StringVar(&c.issuer, "issuer", "", "`TEXT` of iss.")
	flags.StringVar(&c.subject, "subject", "", "`TEXT` of sub.")
	flags.StringArrayVar(&c.audience, "audience", nil, "`TEXT` of aud. Repeats.")
	flags.StringVar(&c.expires, "expires", "", "`TIME` of exp. Default: 5m.")
	flags.StringVar(&c.notBefore, "not-before", "", "`TIME` of nbf. Default: none.")
	flags.StringVar(&c.issuedAt, "issued-at", "", "`TIME` of iat. Default: now.")
	flags.StringVar(&c.jti, "jti", "", "`TEXT` of jti; auto is a random one.")
	flags.StringVar(&c.object, "claims", "", "A JSON object of claims, in a `FILE`; - is standard input.")
	flags.StringArrayVar(&c.members, "claim", nil, "A claim: `NAME=TEXT`, or NAME:=JSON for numbers, lists and objects. Repeats.")
	files(to, "claims")
}

// collect puts the claims together.
func (c claims) collect(stdin io.Reader, now time.Time) (jwt.MapClaims, error) {
	all := jwt.MapClaims{}
	if err := c.readObject(all, stdin); err != nil {
		return nil, fmt.Errorf("--claims: %w", err)
	}
	for name, text := range map[string]string{"iss": c.issuer, "sub": c.subject} {
		if text != "" {
			all[name] = text
		}
	}
	switch {
	case c.jti == "auto":
		all["jti"] = rand.Text()
	case c.jti != "":
		all["jti"] = c.jti
	}
	switch len(c.audience) {
	case 0:
	case 1:
		all["aud"] = c.audience[0] // as most issuers write it
	default:
		all["aud"] = c.audience
	}
	if err := c.setDates(all, now); err != nil {
		return nil, err
	}
	for _, text := range c.members {
		name, value, err := member(text)
		if err != nil {
			return nil, fmt.Errorf("--claim: %w", err)
		}
		all[name] = value
	}
	return all, nil
}

func (c claims) readObject(all jwt.MapClaims, stdin io.Reader) error {
	if c.object == "" {
		return nil
	}
	read := func() (string, error) { return readFile(c.object) }
	if c.object == "-" {
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
		{"--expires", "exp", c.expires, "5m"},
		{"--not-before", "nbf", c.notBefore, "none"},
		{"--issued-at", "iat", c.issuedAt, "now"},
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
