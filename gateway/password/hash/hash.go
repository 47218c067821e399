// Package hash is the command that makes what a configuration keeps of a
// password or an API key.
package hash

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// kinds are what is made of a secret: the first two of a password, the third of
// an API key.
var kinds = []string{"bcrypt", "argon2id", "sha256"}

// New is the command. It hashes one secret.
func New() *cobra.Command {
	var kind string
	made := &cobra.Command{
		Use: "hash", Short: "Print what to keep of a password or an API key.", Args: cobra.NoArgs,
		Long: `It reads the first line of its standard input and prints what to keep of it: for
passwords of users, and sha256 of API keys, which must be random, since it is
fast. Where the input is a terminal, what is typed is seen.`,
		Example: `	read -rs PASSWORD && printf %s "$PASSWORD" | postern hash
	openssl rand -hex 32 | tee acme.key | postern hash --as sha256`,
		PreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(kinds, kind) {
				return fmt.Errorf("--as is one of %s, not %q", strings.Join(kinds, ", "), kind)
			}
			return nil
		},
		RunE: func(called *cobra.Command, _ []string) error {
			return run(called.OutOrStdout(), called.InOrStdin(), kind)
		},
	}
	made.Flags().StringVar(&kind, "as", kinds[0], "The `KIND`: bcrypt or argon2id for a password, sha256 for an API key.")
	_ = made.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp)) // it is there
	return made
}

// What hashing costs: a fifth of a second of a processor, and what RFC 9106
// recommends where memory is short.
const (
	bcryptCost   = 12
	argon2Time   = 3
	argon2Memory = 64 << 10 // KiB
	saltLength   = 16
	sumLength    = 32
)

// maxInput bounds what is read; no secret is as long.
const maxInput = 4 << 10

// run prints the hash. Errors do not repeat the secret.
func run(stdout io.Writer, stdin io.Reader, kind string) error {
	secret, err := read(stdin)
	if err != nil {
		return err
	}
	hashed, err := hash(secret, kind)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, hashed)
	return err
}

func hash(secret, kind string) (string, error) {
	switch kind {
	case "sha256":
		return fmt.Sprintf("%x", sha256.Sum256([]byte(secret))), nil
	case "argon2id":
		salt := make([]byte, saltLength)
		_, _ = rand.Read(salt) // it cannot fail
		sum := argon2.IDKey([]byte(secret), salt, argon2Time, argon2Memory, 1, sumLength)
		encode := base64.RawStdEncoding.EncodeToString
		return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s",
			argon2.Version, argon2Memory, argon2Time, encode(salt), encode(sum)), nil
	}
	hashed, err := bcrypt.GenerateFromPassword([]byte(secret), bcryptCost)
	if errors.Is(err, bcrypt.ErrPasswordTooLong) {
		return "", errors.New("longer than the 72 bytes that bcrypt looks at; use --as argon2id")
	}
	return string(hashed), err
}

// read returns the first line. What no caller could show is refused.
func read(stdin io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case len(text) > maxInput:
		return "", fmt.Errorf("longer than %d bytes", maxInput)
	case line == "":
		return "", errors.New("standard input holds no password or key")
	case !utf8.ValidString(line):
		return "", errors.New("not UTF-8, as which passwords are shown")
	case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("holds a control character, with which it would be refused")
	}
	return line, nil
}
