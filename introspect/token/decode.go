package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type decode struct {
	input
	claim []string
}

func newDecode() *cobra.Command {
	var c decode
	made := &cobra.Command{
		Use: "decode", Short: "Print a token's header and claims without verifying it.",
		Long: `What it prints is what the token says of itself: anybody could have written it.
Dates are repeated in a form that can be read.`,
		Example: `	postern token decode "$TOKEN"
	postern token decode --token-file token.jwt --claim scope --claim exp
	pbpaste | postern token decode -`,
		RunE: func(called *cobra.Command, _ []string) error { return c.run(called) },
	}
	c.bind(made)
	made.Flags().StringArrayVar(&c.claim, "claim", nil, "Print only the claim of this `NAME`. Repeats.")
	return made
}

// decoded is what decode prints.
type decoded struct {
	Header json.RawMessage   `json:"header"`
	Claims json.RawMessage   `json:"claims"`
	Dates  map[string]string `json:"dates,omitempty"`
}

// run prints the token's parts as JSON.
func (c decode) run(called *cobra.Command) error {
	raw, err := c.read(called.InOrStdin())
	if err != nil {
		return err
	}
	parts := strings.Split(raw, ".")
	if len(parts) == 5 {
		return errors.New("the token is encrypted (JWE): only its receiver can read it")
	}
	if len(parts) != 3 {
		return fmt.Errorf("a token has 3 parts with dots in between, this has %d", len(parts))
	}
	var d decoded
	if d.Header, err = object(parts[0]); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if d.Claims, err = object(parts[1]); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	fmt.Fprintln(called.ErrOrStderr(), "NOT VERIFIED")
	value, err := parseJSON(string(d.Claims))
	if err != nil {
		return err
	}
	claims := value.(map[string]any)
	if len(c.claim) > 0 {
		return printJSON(called.OutOrStdout(), only(claims, c.claim))
	}
	d.Dates = dates(claims, time.Now())
	return printJSON(called.OutOrStdout(), d)
}

// object decodes one part. Padding is forgiven here, and only here.
func object(part string) (json.RawMessage, error) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return nil, errors.New("not base64url")
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, errors.New("not a JSON object")
	}
	return text, nil
}

// dates are the claims that hold a time, as RFC 3339 with the distance from now.
func dates(claims map[string]any, now time.Time) map[string]string {
	shown := map[string]string{}
	for _, name := range []string{"exp", "nbf", "iat", "auth_time", "updated_at"} {
		number, ok := claims[name].(json.Number)
		if !ok {
			continue
		}
		seconds, err := number.Float64()
		if err != nil || math.Abs(seconds) > 253402300799 { // the year 9999
			continue
		}
		when := time.Unix(int64(seconds), 0).UTC()
		distance := when.Sub(now).Round(time.Second)
		text := "in " + distance.String()
		if distance < 0 {
			text = (-distance).String() + " ago"
		}
		shown[name] = when.Format(time.RFC3339) + ", " + text
	}
	return shown
}

// only are the claims of these names that are there.
func only(claims map[string]any, names []string) map[string]any {
	picked := map[string]any{}
	for _, name := range names {
		picked[name] = claims[name]
	}
	maps.DeleteFunc(picked, func(_ string, value any) bool { return value == nil })
	return picked
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
