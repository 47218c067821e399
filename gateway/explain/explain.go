// Package explain is the command that says why a request passes or is refused:
// it lets the request go through the very chain that serves, with nobody at the
// other end, and tells each step with the place in the configuration that
// decides it.
package explain

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern/provisioning"
)

// Command explains one request. Its fields are its flags.
type Command struct {
	provisioning.Flags
	API, Method, Path, Host string
	Header                  []string // each "Name: value"
	Data                    string   // a file that holds the body
	Token, TokenFile        string
	HTTPS                   bool
	Cert, From              string
	JWKS                    []string // each "auth server=file"
	Fetch, JSON             bool
}

// New is the command.
func New() *cobra.Command {
	var c Command
	made := &cobra.Command{
		Use: "explain", Short: "Say step by step why a request passes or is refused.", Args: cobra.NoArgs,
		Long: "Exit code 0: the request would be forwarded, 1: it would not, or cannot be explained.",
		Example: `	postern explain --api orders --path /orders/7 --token-file t.jwt --jwks corp=keys.json
	postern explain --api orders/1.0 --method DELETE --path /orders/7 --token-file t.jwt --fetch
	postern explain --path /gateway/orders/1.0/orders --host api.example.com -H 'X-Trace: 2'`,
		RunE: func(called *cobra.Command, _ []string) error { return c.Run(called.OutOrStdout(), called.InOrStdin()) },
	}
	c.Bind(made)
	c.bindRequest(made)
	flags := made.Flags()
	flags.StringArrayVar(&c.JWKS, "jwks", nil, "The keys of an auth server, in place of those it would fetch, as `AUTH_SERVER=FILE`. Repeats.")
	flags.BoolVar(&c.Fetch, "fetch", false, "Fetch keys, and ask auth servers about tokens. Otherwise nothing is asked of anybody.")
	flags.BoolVar(&c.JSON, "json", false, "Print the outcome as JSON.")
	return made
}

func (c *Command) bindRequest(to *cobra.Command) {
	flags := to.Flags()
	flags.StringVar(&c.API, "api", "", "The API that is called, as `NAME[/VERSION]`; --path is then below its prefix, and the host one of its own.")
	flags.StringVar(&c.Method, "method", "GET", "The `METHOD`.")
	flags.StringVar(&c.Path, "path", "/", "The `PATH`, with its query.")
	flags.StringVar(&c.Host, "host", "", "The `HOST` field. Default: the first host of the API, else localhost.")
	flags.StringArrayVarP(&c.Header, "header", "H", nil, "A field of the request, as `'NAME: VALUE'`. Repeats.")
	flags.StringVar(&c.Data, "data", "", "A `FILE` that holds the request's body.")
	flags.StringVar(&c.Token, "token", "", "A `TOKEN` for Authorization: Bearer; better in a file, where no process list shows it.")
	flags.StringVar(&c.TokenFile, "token-file", "", "A `FILE` that holds it; - is standard input.")
	flags.BoolVar(&c.HTTPS, "https", false, "The request comes over TLS.")
	flags.StringVar(&c.Cert, "cert", "", "A `FILE` with the certificate (PEM) that the caller shows over TLS.")
	flags.StringVar(&c.From, "from", "127.0.0.1", "The `ADDRESS` the request comes from.")
	to.MarkFlagsMutuallyExclusive("token", "token-file")
	for _, name := range []string{"data", "token-file", "cert"} {
		_ = to.MarkFlagFilename(name) // it is there
	}
}

// errRefused ends a command that has already printed why.
var errRefused = errors.New("the request would not be forwarded")

// Run prints how the request fares.
func (c Command) Run(stdout io.Writer, stdin io.Reader) error {
	q, err := c.question(stdin)
	if err != nil {
		return err
	}
	outcome, err := answer(c.Sources(), q)
	if err != nil {
		return err
	}
	if c.JSON {
		err = outcome.writeJSON(stdout)
	} else {
		err = outcome.write(stdout)
	}
	if err == nil && !outcome.Forwarded {
		return errRefused
	}
	return err
}

// question is a request with how it is to be explained.
type question struct {
	api, method, path, host string
	fields                  []string
	token                   string
	caller                  caller
	body                    []byte
	keys                    map[string]string // files, by auth server
	fetch                   bool
}

func (c Command) question(stdin io.Reader) (question, error) {
	q := question{api: c.API, method: c.Method, path: c.Path, host: c.Host, keys: map[string]string{}, fetch: c.Fetch, token: c.Token}
	for _, text := range c.JWKS {
		server, file, ok := strings.Cut(text, "=")
		if !ok {
			return q, fmt.Errorf("--jwks: %q is not of the form AUTH_SERVER=FILE", text)
		}
		q.keys[server] = file
	}
	for _, field := range c.Header {
		name, value, ok := strings.Cut(field, ":")
		if !ok || strings.ContainsAny(field, "\r\n") || strings.TrimSpace(name) == "" {
			return q, errors.New("a header is not of the form 'Name: value'")
		}
		q.fields = append(q.fields, name+": "+strings.TrimSpace(value))
	}
	for _, part := range []string{q.method, q.path, q.host} {
		if strings.ContainsAny(part, " \r\n\t") {
			return q, fmt.Errorf("%q holds white space", part)
		}
	}
	if c.Data != "" {
		var err error
		if q.body, err = os.ReadFile(c.Data); err != nil {
			return q, fmt.Errorf("read body: %w", err)
		}
	}
	if c.TokenFile != "" {
		text, err := readToken(c.TokenFile, stdin)
		if err != nil {
			return q, err
		}
		q.token = text
	}
	var err error
	q.caller, err = newCaller(c.From, c.HTTPS, c.Cert)
	return q, err
}

// readToken is the token in a file, or in standard input.
func readToken(name string, stdin io.Reader) (string, error) {
	read := func() ([]byte, error) { return os.ReadFile(name) }
	if name == "-" {
		name, read = "standard input", func() ([]byte, error) { return io.ReadAll(stdin) }
	}
	text, err := read()
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \r\n\t") {
		return "", fmt.Errorf("%s does not hold one token and nothing else", name)
	}
	return token, nil
}
