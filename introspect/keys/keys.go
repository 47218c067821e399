// Package keys is the command that makes signing keys and key sets.
package keys

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"postern/introspect/jwk"
)

// New is the command. It makes a key, or with its verb a key set of keys that
// exist.
func New() *cobra.Command {
	made := newPair("keys", "Make signing keys and key sets.")
	made.Example = `	postern keys --out keys
	postern keys --alg HS256 --out keys
	postern keys jwks old/public.pem new/public.pem > jwks.json`
	made.AddCommand(newPair("new", "Make a key pair and its key set, or a secret (what keys does without a verb)."), newSet())
	return made
}

// pair is a key to be made.
type pair struct {
	alg, kid, out string
	bits          int
	force         bool
}

func newPair(use, short string) *cobra.Command {
	var c pair
	made := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		Long: `It writes private.pem (PKCS #8, for its owner only), public.pem and jwks.json; for
HS256, HS384 and HS512 only a file named secret. The gateway gets jwks.json or
public.pem; private.pem is for who signs.`,
		Example: `	postern keys --out keys
	postern keys --alg RS256 --bits 3072 --kid 2026-11 --out keys
	postern token sign --key keys/private.pem --subject alice`,
		PreRunE: func(*cobra.Command, []string) error { return c.check() },
		RunE: func(called *cobra.Command, _ []string) error {
			return c.run(called.OutOrStdout(), called.ErrOrStderr())
		},
	}
	flags := made.Flags()
	flags.StringVar(&c.alg, "alg", "ES256", "The `ALGORITHM` it shall sign with: RS, PS, ES, HS with 256, 384 or 512, or EdDSA.")
	flags.StringVar(&c.kid, "kid", "auto", "Its `NAME`; auto is its thumbprint (RFC 7638).")
	flags.StringVar(&c.out, "out", ".", "The `DIRECTORY` to write to; made when it is not there.")
	flags.IntVar(&c.bits, "bits", 2048, "Of an RSA key: 2048, 3072 or 4096.")
	flags.BoolVar(&c.force, "force", false, "Overwrite files that are there.")
	_ = made.MarkFlagDirname("out") // they are there
	_ = made.RegisterFlagCompletionFunc("alg", cobra.FixedCompletions(jwk.All(), cobra.ShellCompDirectiveNoFileComp))
	return made
}

func (c pair) check() error {
	if !slices.Contains(jwk.All(), c.alg) {
		return fmt.Errorf("--alg is one of %s, not %q", strings.Join(jwk.All(), ", "), c.alg)
	}
	if !slices.Contains([]int{2048, 3072, 4096}, c.bits) {
		return fmt.Errorf("--bits is 2048, 3072 or 4096, not %d", c.bits)
	}
	return nil
}

// file is what shall be written.
type file struct {
	name string
	mode os.FileMode
	data []byte
}

// run writes all files, or none when one of them is there already.
func (c pair) run(stdout, stderr io.Writer) error {
	key, err := jwk.New(c.alg, c.bits)
	if err != nil {
		return err
	}
	if c.kid != "auto" {
		key.ID = c.kid
	}
	if key, err = key.Named(); err != nil {
		return err
	}
	files, err := filesOf(key)
	if err != nil {
		return err
	}
	if err := c.write(files); err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintln(stdout, filepath.Join(c.out, f.name))
	}
	if key.Public != nil {
		fmt.Fprintf(stderr, "kid %s, %s%s\n", key.ID, key.Algorithm, hint(key))
	}
	return nil
}

// hint says what private.pem cannot: that it shall not sign as keys of its kind
// usually do.
func hint(key jwk.Key) string {
	if key.Algorithm == key.Algorithms()[0] {
		return ""
	}
	return fmt.Sprintf(": sign with --alg %s", key.Algorithm)
}

func filesOf(key jwk.Key) ([]file, error) {
	if key.Secret != nil {
		return []file{{"secret", 0o600, append(key.Secret, '\n')}}, nil
	}
	private, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		return nil, fmt.Errorf("write private key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	set, err := setOf(key)
	if err != nil {
		return nil, err
	}
	return []file{
		{"private.pem", 0o600, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})},
		{"public.pem", 0o644, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})},
		{"jwks.json", 0o644, set},
	}, nil
}

func (c pair) write(files []file) error {
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(c.out, f.name)
		if _, err := os.Lstat(path); err == nil && !c.force {
			return fmt.Errorf("%s is there already; --force overwrites it", path)
		}
	}
	for _, f := range files {
		if err := c.place(f); err != nil {
			return err
		}
	}
	return nil
}

// place writes a file beside its place and renames it: nobody sees half of a
// key, and a private one never has the mode of the file that was there.
func (c pair) place(f file) error {
	path := filepath.Join(c.out, f.name)
	temporary, err := os.CreateTemp(c.out, "."+f.name+"-")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temporary.Write(f.data)
	err = errors.Join(err, temporary.Chmod(f.mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temporary.Name()))
	}
	return nil
}

func newSet() *cobra.Command {
	var kids []string
	made := &cobra.Command{
		Use: "jwks FILE...", Short: "Print a key set of keys that exist.", Args: cobra.MinimumNArgs(1),
		Long: `A FILE is PEM (public keys, certificates, private keys), JWK or JWKS; several PEM
blocks are several keys. Only public halves are printed. During a rotation the set
holds the old key and the new one.`,
		Example: `	postern keys jwks old/public.pem new/public.pem > jwks.json
	postern keys jwks issuer.crt --kid 2026-11`,
		RunE: func(called *cobra.Command, paths []string) error { return join(called.OutOrStdout(), paths, kids) },
	}
	made.Flags().StringArrayVar(&kids, "kid", nil, "The `NAME` of a key, in order; repeats. Default: the key's own, else its thumbprint (RFC 7638).")
	return made
}

// join prints the set of all keys in some files.
func join(stdout io.Writer, paths, kids []string) error {
	var all []jwk.Key
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := jwk.Read(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, key := range found {
			if err := fit(key); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, key)
		}
	}
	if len(kids) > len(all) {
		return fmt.Errorf("%d names for %d keys", len(kids), len(all))
	}
	for i, kid := range kids {
		all[i].ID = kid
	}
	set, err := setOf(all...)
	if err != nil {
		return err
	}
	_, err = stdout.Write(set)
	return err
}

// fit refuses what a gateway would not verify with.
func fit(key jwk.Key) error {
	if key.Secret != nil {
		return errors.New("a shared secret does not belong in a public key set")
	}
	if p, ok := key.Public.(*rsa.PublicKey); ok && p.N.BitLen() < 2048 {
		return fmt.Errorf("RSA modulus of %d bits is below 2048", p.N.BitLen())
	}
	return nil
}

// setOf writes the public halves as a key set.
func setOf(all ...jwk.Key) ([]byte, error) {
	var set jwk.Set
	var names []string
	for _, key := range all {
		key, err := key.Named()
		if err != nil {
			return nil, err
		}
		member, err := key.JWK()
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, key.ID) {
			return nil, fmt.Errorf("two keys are named %q", key.ID)
		}
		names = append(names, key.ID)
		set.Keys = append(set.Keys, member)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(set); err != nil {
		return nil, fmt.Errorf("write key set of %s: %w", strings.Join(names, ", "), err)
	}
	return text.Bytes(), nil
}
