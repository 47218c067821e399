package token

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/introspect/jwk"
	"postern/provisioning"
	"postern/provisioning/config"
)

// patience is how long keys are waited for: one fetch, and a little.
const patience = 8 * time.Second

type verify struct {
	input
	provisioning.Flags
	store
	key, jwks, jwksURI, issuerURL string // where keys come from
	authServer                    string
	allowHTTP                     bool
	issuer                        string
	audience, alg, typ, claim     []string
	clockSkew                     time.Duration
}

func newVerify() *cobra.Command {
	var c verify
	made := &cobra.Command{
		Use: "verify", Short: "Judge a token as the gateway does, and print its claims.",
		Long: `It is judged by the gateway's own code. Without a key it is judged by the
configuration (-c), as an API would that believes all of its auth servers. Exit
code 1: it is refused, and this is why.`,
		Example: `	postern token verify "$TOKEN" --key public.pem --audience orders
	postern token verify "$TOKEN" --issuer-url https://idp.example.com/realms/main
	postern token verify --token-file token.jwt -c postern.yaml`,
		RunE: func(called *cobra.Command, _ []string) error {
			return c.run(called.Context(), called.OutOrStdout(), called.InOrStdin())
		},
	}
	c.input.bind(made)
	c.Flags.Bind(made)
	c.bindKeys(made)
	flags := made.Flags()
	flags.StringVar(&c.issuer, "issuer", "", "`TEXT` of the iss it must have. Default: any, or that of --issuer-url.")
	flags.StringArrayVar(&c.audience, "audience", nil, "`TEXT` of the aud it must have, one of these. Repeats. Default: not checked.")
	flags.DurationVar(&c.clockSkew, "clock-skew", 30*time.Second, "How far clocks may differ.")
	flags.StringArrayVar(&c.alg, "alg", nil, "The `ALGORITHM` it must have, one of these. Repeats. Default: every asymmetric one; with a secret HS256.")
	flags.StringArrayVar(&c.typ, "typ", nil, "The `TYPE` (typ) it may have. Repeats. Default: JWT, at+jwt.")
	flags.StringArrayVar(&c.claim, "claim", nil, "Print only the claim of this `NAME`. Repeats.")
	_ = made.RegisterFlagCompletionFunc("alg", algorithms) // it is there
	return made
}

func (c *verify) bindKeys(to *cobra.Command) {
	flags := to.Flags()
	flags.StringVar(&c.key, "key", "", "A `FILE` with the one key, PEM: a public key, a certificate, or a private key for its public half; for HS256, HS384 and HS512 the secret.")
	flags.StringVar(&c.jwks, "jwks", "", "A `FILE` with a key set.")
	flags.StringVar(&c.jwksURI, "jwks-uri", "", "The `URL` of a key set.")
	flags.StringVar(&c.issuerURL, "issuer-url", "", "The `URL` of an issuer, whose key set is found by discovery.")
	flags.StringVar(&c.authServer, "auth-server", "", "The `NAME` of an auth server of the configuration. Default: the one of the token's issuer.")
	flags.BoolVar(&c.allowHTTP, "allow-http", false, "Fetch keys over http beyond loopback too.")
	c.store.bind(to)
	to.MarkFlagsMutuallyExclusive("key", "jwks", "jwks-uri", "issuer-url")
	files(to, "key", "jwks")
}

// run prints the claims, or returns why the token is refused.
func (c verify) run(ctx context.Context, stdout io.Writer, stdin io.Reader) error {
	raw, err := c.read(stdin)
	if err != nil {
		return err
	}
	cfg, err := c.rules()
	if err != nil {
		return err
	}
	token, err := judge(ctx, cfg, raw)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	if len(c.claim) > 0 {
		return printJSON(stdout, only(token.Claims, c.claim))
	}
	return printJSON(stdout, token.Claims)
}

// rules are the auth servers to judge by.
func (c verify) rules() (*config.Config, error) {
	if _, err := c.store.stated(c.key); err != nil {
		return nil, err
	}
	if c.key == "" && c.jwks == "" && c.jwksURI == "" && c.issuerURL == "" {
		return c.configured()
	}
	skew := config.Duration(c.clockSkew)
	if c.clockSkew == 0 {
		skew = config.None
	}
	server := config.AuthServer{Name: "--issuer", Issuer: config.Issuer{Value: c.issuer, Unchecked: c.issuer == ""}}
	server.Audience = &config.Audience{Any: c.audience, Unchecked: len(c.audience) == 0}
	server.Local = &config.LocalIntrospection{
		JWKSURI: c.jwksURI, Discovery: c.issuerURL != "", AllowHTTP: c.allowHTTP,
		Algorithms: c.alg, Types: c.typ, ClockSkew: &skew,
	}
	if c.issuerURL != "" {
		if c.issuer != "" && c.issuer != c.issuerURL {
			return nil, errors.New("--issuer differs from --issuer-url, which is the issuer")
		}
		server.Issuer = config.Issuer{Value: c.issuerURL}
	}
	if err := c.readKeys(server.Local); err != nil {
		return nil, err
	}
	cfg := &config.Config{AuthServers: []config.AuthServer{server}}
	cfg.SetDefaults()
	var faults config.Faults
	for _, fault := range cfg.Validate() {
		if !fault.Warning {
			faults = append(faults, fault)
		}
	}
	if faults != nil {
		return nil, faults
	}
	return cfg, nil
}

func (c verify) readKeys(l *config.LocalIntrospection) (err error) {
	if c.jwks != "" {
		l.JWKS, err = file(c.jwks)
		return err
	}
	if c.key == "" {
		return nil
	}
	if java, _ := c.store.stated(c.key); java {
		l.Truststore, err = c.store.trusted(c.key)
		return err
	}
	key, err := file(c.key)
	if err != nil {
		return err
	}
	if strings.Contains(string(key.Data), "-----BEGIN CERTIFICATE-----") {
		l.Certificate = key
		return nil
	}
	found, err := jwk.Read(key.Data)
	switch {
	case errors.Is(err, jwk.ErrFormat):
		secret := config.NewSecret(secretOf(key.Data))
		l.SharedKey = &secret
		return nil
	case err == nil && len(found) == 1 && found[0].Private != nil:
		key.Data, err = publicPEM(found[0])
		l.PublicKey = key
		return err
	}
	l.PublicKey = key // whatever it is, it is judged as the gateway does
	return nil
}

func file(path string) (config.File, error) {
	data, err := os.ReadFile(path)
	return config.File{Path: path, Data: data}, err
}

func publicPEM(key jwk.Key) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// configured are the auth servers of the configuration.
func (c verify) configured() (*config.Config, error) {
	loaded, err := provisioning.Load(c.Sources(), nil)
	if err != nil {
		return nil, err
	}
	cfg := *loaded.Config
	var names []string
	for _, server := range cfg.AuthServers {
		names = append(names, server.Name)
		if server.Name == c.authServer {
			cfg.AuthServers = []config.AuthServer{server}
			return &cfg, nil
		}
	}
	switch {
	case c.authServer != "":
		return nil, fmt.Errorf("no auth server is named %q%s", c.authServer, config.DidYouMean(c.authServer, names))
	case len(names) == 0:
		return nil, errors.New("no key is stated, and the configuration has no auth server")
	}
	return &cfg, nil
}

// judge returns what a token says, if it is to be believed.
func judge(ctx context.Context, cfg *config.Config, raw string) (*introspect.Token, error) {
	set, err := introspect.New(introspect.Rules{Servers: cfg.AuthServers, Tokens: cfg.Tokens}, nil, zap.NewNop())
	if err != nil {
		return nil, err
	}
	var names []string
	audiences := map[string]*config.Audience{}
	for _, server := range cfg.AuthServers {
		names = append(names, server.Name)
		audiences[server.Name] = server.Audience
	}
	view, err := set.For(introspect.Accepts{Servers: names, JWT: true})
	if err != nil {
		return nil, err
	}
	set.Start()
	defer set.Close()
	token, err := insist(ctx, view, raw)
	switch {
	case errors.Is(err, introspect.ErrUnreachable):
		return nil, fmt.Errorf("%w%s", err, failures(set))
	case err != nil:
		return nil, err
	case !audiences[token.AuthServer].Admits(token.Audience):
		return nil, fmt.Errorf("token is for another audience: aud %q", token.Audience)
	}
	return token, nil
}

// insist waits for the first keys longer than a request would.
func insist(ctx context.Context, view introspect.Introspector, raw string) (token *introspect.Token, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		begun := time.Now()
		token, err = view.Introspect(ctx, raw, begun)
		// An answer that took no time is not about a fetch under way.
		if !errors.Is(err, introspect.ErrUnreachable) || ctx.Err() != nil || time.Since(begun) < time.Second {
			return token, err
		}
	}
}

// failures say why keys could not be fetched.
func failures(set *introspect.Set) (text string) {
	for _, server := range set.Status() {
		if server.LastError != "" {
			text += ": " + server.LastError
		}
	}
	return text
}
