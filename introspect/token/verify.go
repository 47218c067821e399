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

	"github.com/alecthomas/kong"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/introspect/jwk"
	"postern/provisioning"
	"postern/provisioning/config"
)

// patience is how long keys are waited for: one fetch, and a little.
const patience = 8 * time.Second

// Verify judges a token.
type Verify struct {
	input
	provisioning.Flags

	Key        string `placeholder:"FILE" complete:"file" xor:"keys" help:"The one key, PEM: a public key, a certificate, or a private key for its public half; for HS256, HS384 and HS512 a file that holds the secret."`
	JWKS       string `name:"jwks" placeholder:"FILE" complete:"file" xor:"keys" help:"A key set."`
	JWKSURI    string `name:"jwks-uri" placeholder:"URL" xor:"keys" help:"The address of a key set."`
	IssuerURL  string `name:"issuer-url" placeholder:"URL" xor:"keys" help:"An issuer, whose key set is found by discovery."`
	AuthServer string `placeholder:"NAME" help:"The auth server of the configuration. Default: the one of the token's issuer."`

	AllowHTTP bool          `name:"allow-http" help:"Fetch keys over http beyond loopback too."`
	Issuer    string        `placeholder:"TEXT" help:"The iss it must have. Default: any, or that of --issuer-url."`
	Audience  []string      `sep:"none" placeholder:"TEXT" help:"The aud it must have, one of these. Repeats. Default: not checked."`
	ClockSkew time.Duration `default:"30s" help:"How far clocks may differ. Default ${default}."`
	Alg       []string      `sep:"none" placeholder:"ALG" words:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA,HS256,HS384,HS512" help:"The algorithm it must have, one of these. Repeats. Default: every asymmetric one; with a secret HS256."`
	Typ       []string      `sep:"none" placeholder:"TYPE" help:"The typ it may have. Repeats. Default: JWT, at+jwt."`
	Claim     []string      `sep:"none" placeholder:"NAME" help:"Print only this claim. Repeats."`
}

// Help is shown by --help.
func (Verify) Help() string {
	return `It is judged by the gateway's own code. Without a key it is judged by the configuration (-c), as an API would that believes all of its auth servers. Exit code 1: it is refused, and this is why.

	postern token verify "$TOKEN" --key public.pem --audience orders
	postern token verify "$TOKEN" --issuer-url https://idp.example.com/realms/main
	postern token verify --token-file token.jwt -c postern.yaml`
}

// Run prints the claims, or returns why the token is refused.
func (c Verify) Run(ctx context.Context, app *kong.Kong, stdin io.Reader) error {
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
	if len(c.Claim) > 0 {
		return printJSON(app.Stdout, only(token.Claims, c.Claim))
	}
	return printJSON(app.Stdout, token.Claims)
}

// rules are the auth servers to judge by.
func (c Verify) rules() (*config.Config, error) {
	if c.Key == "" && c.JWKS == "" && c.JWKSURI == "" && c.IssuerURL == "" {
		return c.configured()
	}
	skew := config.Duration(c.ClockSkew)
	if c.ClockSkew == 0 {
		skew = config.None
	}
	server := config.AuthServer{Name: "--issuer", Issuer: config.Issuer{Value: c.Issuer, Unchecked: c.Issuer == ""}}
	server.Audience = &config.Audience{Any: c.Audience, Unchecked: len(c.Audience) == 0}
	server.Local = &config.LocalIntrospection{
		JWKSURI: c.JWKSURI, Discovery: c.IssuerURL != "", AllowHTTP: c.AllowHTTP,
		Algorithms: c.Alg, Types: c.Typ, ClockSkew: &skew,
	}
	if c.IssuerURL != "" {
		if c.Issuer != "" && c.Issuer != c.IssuerURL {
			return nil, errors.New("--issuer differs from --issuer-url, which is the issuer")
		}
		server.Issuer = config.Issuer{Value: c.IssuerURL}
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

func (c Verify) readKeys(l *config.LocalIntrospection) (err error) {
	if c.JWKS != "" {
		l.JWKS, err = file(c.JWKS)
		return err
	}
	if c.Key == "" {
		return nil
	}
	key, err := file(c.Key)
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
func (c Verify) configured() (*config.Config, error) {
	loaded, err := provisioning.Load(c.Sources(), nil)
	if err != nil {
		return nil, err
	}
	cfg := *loaded.Config
	var names []string
	for _, server := range cfg.AuthServers {
		names = append(names, server.Name)
		if server.Name == c.AuthServer {
			cfg.AuthServers = []config.AuthServer{server}
			return &cfg, nil
		}
	}
	switch {
	case c.AuthServer != "":
		return nil, fmt.Errorf("no auth server is named %q%s", c.AuthServer, config.DidYouMean(c.AuthServer, names))
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
