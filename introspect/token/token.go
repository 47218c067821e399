// Package token is the command that signs, verifies and takes apart JSON Web
// Tokens: what an operator needs to try an API and to see why a token is refused.
package token

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"postern/introspect/jwk"
)

// New is the command with its verbs, which are those of webMethods' pub.jwt:
// generateSignedJWT, verifyJWT and extractClaimsFromJWT.
func New() *cobra.Command {
	made := &cobra.Command{
		Use: "token", Short: "Sign, verify and decode tokens.",
		Long: `Sign a token with a key of your own, and see what a gateway that knows the key
makes of it.`,
		Example: `	postern keys --out keys
	TOKEN=$(postern token sign --key keys/private.pem --subject alice --audience orders)
	postern token verify "$TOKEN" --jwks keys/jwks.json --audience orders
	postern token decode "$TOKEN"`,
	}
	made.AddCommand(newSign(), newVerify(), newDecode())
	return made
}

// algorithms are offered where a shell completes --alg.
var algorithms = cobra.FixedCompletions(jwk.All(), cobra.ShellCompDirectiveNoFileComp)

// files says which flags of a command are files, for the shell that completes.
func files(of *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = of.MarkFlagFilename(name) // it is there
	}
}

// maxInput bounds what is read as a token; the gateway takes 16 KiB.
const maxInput = 64 << 10

// input is where a token comes from.
type input struct {
	token     string // "-" is standard input
	tokenFile string
}

// bind makes the token the only argument of a command.
func (i *input) bind(to *cobra.Command) {
	to.Use += " [TOKEN|-]"
	to.Args = func(called *cobra.Command, args []string) error {
		if len(args) == 1 {
			i.token = args[0]
		}
		return cobra.MaximumNArgs(1)(called, args)
	}
	to.ValidArgsFunction = cobra.NoFileCompletions
	to.Flags().StringVar(&i.tokenFile, "token-file", "", "Read the token from a `FILE`.")
	files(to, "token-file")
}

// read returns the token without what surrounds it on the way: line ends, and
// the scheme of an Authorization field.
func (i input) read(stdin io.Reader) (string, error) {
	var text string
	var err error
	switch {
	case (i.token == "") == (i.tokenFile == ""):
		return "", errors.New("state the token, --token-file, or - for standard input")
	case i.tokenFile != "":
		text, err = readFile(i.tokenFile)
	case i.token == "-":
		text, err = readAll(stdin)
	default:
		text = i.token
	}
	text = strings.TrimSpace(text)
	if scheme, rest, found := strings.Cut(text, " "); found && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	if err == nil && text == "" {
		err = errors.New("there is no token")
	}
	return text, err
}

func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return readAll(file)
}

func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	if len(text) > maxInput {
		return "", fmt.Errorf("longer than %d bytes", maxInput)
	}
	return string(text), nil
}
