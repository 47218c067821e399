// Package token is the command that signs, verifies and takes apart JSON Web
// Tokens: what an operator needs to try an API and to see why a token is refused.
package token

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Command is the verbs of webMethods' pub.jwt: generateSignedJWT, verifyJWT and
// extractClaimsFromJWT.
type Command struct {
	Sign   Sign   `cmd:"" help:"Print a token, signed from claims and a key."`
	Verify Verify `cmd:"" help:"Judge a token as the gateway does, and print its claims."`
	Decode Decode `cmd:"" help:"Print a token's header and claims without verifying it."`
}

// Help is shown by --help.
func (Command) Help() string {
	return `Sign a token with a key of your own, and see what a gateway that knows the key makes of it:

	postern keys --out keys
	TOKEN=$(postern token sign --key keys/private.pem --subject alice --audience orders)
	postern token verify "$TOKEN" --jwks keys/jwks.json --audience orders
	postern token decode "$TOKEN"`
}

// maxInput bounds what is read as a token; the gateway takes 16 KiB.
const maxInput = 64 << 10

// input is where a token comes from.
type input struct {
	Token     string `arg:"" optional:"" help:"The token; - reads it from standard input."`
	TokenFile string `placeholder:"FILE" complete:"file" help:"Read the token from a file."`
}

// read returns the token without what surrounds it on the way: line ends, and
// the scheme of an Authorization field.
func (i input) read(stdin io.Reader) (string, error) {
	var text string
	var err error
	switch {
	case (i.Token == "") == (i.TokenFile == ""):
		return "", errors.New("state the token, --token-file, or - for standard input")
	case i.TokenFile != "":
		text, err = readFile(i.TokenFile)
	case i.Token == "-":
		text, err = readAll(stdin)
	default:
		text = i.Token
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
