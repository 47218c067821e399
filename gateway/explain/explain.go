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

	"github.com/alecthomas/kong"

	"postern/provisioning"
)

// Command explains one request.
type Command struct {
	provisioning.Flags
	API    string   `placeholder:"NAME[/VERSION]" help:"The API that is called; --path is then below its prefix, and the host one of its own."`
	Method string   `default:"GET" help:"The method."`
	Path   string   `default:"/" help:"The path, with its query."`
	Host   string   `help:"The Host field. Default: the first host of the API, else localhost."`
	Header []string `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"A field of the request. Repeats."`

	Data string `complete:"file" placeholder:"FILE" help:"A file that holds the request's body."`

	Token     string `xor:"token" placeholder:"TOKEN" help:"A token for Authorization: Bearer; better in a file, where no process list shows it."`
	TokenFile string `xor:"token" complete:"file" placeholder:"FILE" help:"A file that holds it; - is standard input."`
	HTTPS     bool   `name:"https" help:"The request comes over TLS."`
	Cert      string `complete:"file" placeholder:"FILE" help:"The certificate (PEM) that the caller shows over TLS."`
	From      string `default:"127.0.0.1" placeholder:"ADDRESS" help:"Where the request comes from."`

	JWKS  map[string]string `name:"jwks" mapsep:"none" placeholder:"AUTH_SERVER=FILE" complete:"file" help:"The keys of an auth server, in place of those it would fetch. Repeats."`
	Fetch bool              `help:"Fetch keys, and ask auth servers about tokens. Otherwise nothing is asked of anybody."`
	JSON  bool              `help:"Print the outcome as JSON."`
}

// Help is shown by --help.
func (Command) Help() string {
	return `Exit code 0: the request would be forwarded, 1: it would not, or cannot be explained.

	postern explain --api orders --path /orders/7 --token-file t.jwt --jwks corp=keys.json
	postern explain --api orders/1.0 --method DELETE --path /orders/7 --token-file t.jwt --fetch
	postern explain --path /gateway/orders/1.0/orders --host api.example.com -H 'X-Trace: 2'`
}

// errRefused ends a command that has already printed why.
var errRefused = errors.New("the request would not be forwarded")

// Run prints how the request fares.
func (c Command) Run(app *kong.Kong, stdin io.Reader) error {
	q, err := c.question(stdin)
	if err != nil {
		return err
	}
	outcome, err := answer(c.Sources(), q)
	if err != nil {
		return err
	}
	if c.JSON {
		err = outcome.writeJSON(app.Stdout)
	} else {
		err = outcome.write(app.Stdout)
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
	q := question{api: c.API, method: c.Method, path: c.Path, host: c.Host, keys: c.JWKS, fetch: c.Fetch, token: c.Token}
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
