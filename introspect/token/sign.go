package token

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"postern/introspect/jwk"
	"postern/provisioning/config"
)

type sign struct {
	key, keyEnv   string // a file, or an environment variable
	alg, kid, typ string
	header        []string
	store
	claims
}

func newSign() *cobra.Command {
	var c sign
	made := &cobra.Command{
		Use: "sign", Short: "Print a token, signed from claims and a key.", Args: cobra.NoArgs,
		Long: `A time is a duration from now (5m; --expires=-1h is an hour ago), RFC 3339
(2026-11-30T12:00:00Z), now, or none to leave the claim out. --claim wins over the
named flags, and those over --claims. The secret itself is never an argument:
others on this host could see it.`,
		Example: `	postern token sign --key private.pem --issuer test --subject alice --audience orders
	postern token sign --key private.pem --claim scope="read write" --claim roles:='["admin"]'
	postern token sign --key-env SECRET --alg HS256 --claims claims.json
	postern token sign --key store.p12 --store-password-env PASSWORD --alias issuer`,
		RunE: func(called *cobra.Command, _ []string) error { return c.run(called.OutOrStdout(), called.InOrStdin()) },
	}
	flags := made.Flags()
	flags.StringVar(&c.key, "key", "", "A `FILE` with the private key: PEM, JWK or JWKS; for HS256, HS384 and HS512 the secret.")
	flags.StringVar(&c.keyEnv, "key-env", "", "The `NAME` of an environment variable that holds the same.")
	flags.StringVar(&c.alg, "alg", "", "Signature `ALGORITHM`. Default: the key's own, else RS256, ES256, ES384, ES512, EdDSA or HS256 by its kind.")
	flags.StringVar(&c.kid, "kid", "auto", "The `NAME` that is kid of the header, and the key to take of a JWKS. auto: the key's own, else its thumbprint (RFC 7638). none: leave it out.")
	flags.StringVar(&c.typ, "typ", "JWT", "The `TYPE` that is typ of the header; none leaves it out.")
	flags.StringArrayVar(&c.header, "header", nil, "A member of the header, `NAME=TEXT`, written like --claim. Repeats.")
	c.store.bind(made)
	c.claims.bind(made)
	made.MarkFlagsMutuallyExclusive("key", "key-env")
	files(made, "key")
	_ = made.RegisterFlagCompletionFunc("alg", algorithms) // it is there
	return made
}

// run prints the token.
func (c sign) run(stdout io.Writer, stdin io.Reader) error {
	key, err := c.readKey()
	if err != nil {
		return err
	}
	method, err := c.method(key)
	if err != nil {
		return err
	}
	claims, err := c.collect(stdin, time.Now())
	if err != nil {
		return err
	}
	token := jwt.NewWithClaims(method, claims)
	if err := c.fillHeader(token.Header, key); err != nil {
		return err
	}
	var by any = key.Private
	if key.Secret != nil {
		by = key.Secret
	}
	signed, err := token.SignedString(by)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	_, err = fmt.Fprintln(stdout, signed)
	return err
}

func (c sign) fillHeader(header map[string]any, key jwk.Key) error {
	kid := c.kid
	if kid == "auto" {
		named, err := key.Named()
		if err != nil {
			return err
		}
		kid = named.ID
	}
	for name, value := range map[string]string{"kid": kid, "typ": c.typ} {
		if delete(header, name); value != "none" && value != "" {
			header[name] = value
		}
	}
	for _, text := range c.header {
		name, value, err := member(text)
		if err != nil {
			return fmt.Errorf("--header: %w", err)
		}
		if name == "alg" || name == "kid" || name == "typ" {
			return fmt.Errorf("--header: %s has a flag of its own", name)
		}
		header[name] = value
	}
	return nil
}

// readKey finds the key that signs.
func (c sign) readKey() (jwk.Key, error) {
	if c.key == "" && c.keyEnv == "" {
		return jwk.Key{}, errors.New("state the key: --key or --key-env; postern keys makes one")
	}
	java, err := c.store.stated(c.key)
	switch {
	case err != nil:
		return jwk.Key{}, err
	case java:
		return c.store.private(c.key)
	}
	return c.fromFile()
}

// fromFile finds it in a file or a variable.
func (c sign) fromFile() (jwk.Key, error) {
	data, from := []byte(os.Getenv(c.keyEnv)), "$"+c.keyEnv
	if c.key != "" {
		var err error
		if data, err = os.ReadFile(c.key); err != nil {
			return jwk.Key{}, err
		}
		from = c.key
	}
	if len(data) == 0 {
		return jwk.Key{}, fmt.Errorf("%s is empty", from)
	}
	found, err := jwk.Read(data)
	if errors.Is(err, jwk.ErrFormat) && (c.alg == "" || strings.HasPrefix(c.alg, "HS")) {
		return jwk.Key{Secret: []byte(secretOf(data))}, nil
	}
	if err != nil {
		return jwk.Key{}, fmt.Errorf("%s: %w", from, err)
	}
	key, err := c.pick(found)
	if err != nil {
		return jwk.Key{}, fmt.Errorf("%s: %w", from, err)
	}
	return key, nil
}

// secretOf is the text of a secret's file, read as {file: PATH} of a
// configuration is.
func secretOf(data []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
}

// pick takes the one key that can sign, or the one of several that --kid names.
func (c sign) pick(found []jwk.Key) (jwk.Key, error) {
	var names []string
	var able []jwk.Key
	for _, key := range found {
		if key.Private == nil && key.Secret == nil {
			continue
		}
		able = append(able, key)
		names = append(names, key.ID)
	}
	switch at := slices.Index(names, c.kid); {
	case len(able) == 0:
		return jwk.Key{}, errors.New("it holds no private key")
	case len(able) == 1:
		return able[0], nil
	case at >= 0:
		return able[at], nil
	}
	return jwk.Key{}, fmt.Errorf("it holds %d keys; choose with --kid: %s", len(able), strings.Join(names, ", "))
}

// method is the algorithm, when the key fits it and is no weaker than what the
// gateway believes.
func (c sign) method(key jwk.Key) (jwt.SigningMethod, error) {
	able := key.Algorithms()
	alg := c.alg
	switch {
	case alg != "":
	case key.Algorithm != "":
		alg = key.Algorithm
	default:
		alg = able[0]
	}
	if jwt.GetSigningMethod(alg) == nil || alg == "none" {
		return nil, fmt.Errorf("--alg %q is not a signature algorithm%s", alg, config.DidYouMean(alg, able))
	}
	if !slices.Contains(able, alg) {
		return nil, fmt.Errorf("the key cannot sign with %s; it can with %s", alg, strings.Join(able, ", "))
	}
	if p, ok := key.Public.(*rsa.PublicKey); ok && p.N.BitLen() < 2048 {
		return nil, fmt.Errorf("RSA modulus of %d bits is below 2048, which no gateway believes", p.N.BitLen())
	}
	if least := config.SharedKeySize(alg); key.Secret != nil && len(key.Secret) < least {
		return nil, fmt.Errorf("the secret has %d bytes; %s needs %d", len(key.Secret), alg, least)
	}
	return jwt.GetSigningMethod(alg), nil
}
