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
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"postern/introspect/jwk"
)

// Command makes keys, and key sets of them.
type Command struct {
	New  New  `cmd:"" default:"withargs" help:"Make a key pair and its key set, or a secret (the default)."`
	JWKS JWKS `cmd:"" name:"jwks" help:"Print a key set of keys that exist."`
}

// Help is shown by --help.
func (Command) Help() string {
	return `A verb that is left out is new:

	postern keys --out keys
	postern keys --alg HS256 --out keys
	postern keys jwks old/public.pem new/public.pem > jwks.json`
}

// New makes one key.
type New struct {
	Alg   string `default:"ES256" enum:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA,HS256,HS384,HS512" placeholder:"ALG" help:"What it shall sign: RS, PS, ES, HS with 256, 384 or 512, or EdDSA. Default ${default}."`
	Kid   string `default:"auto" placeholder:"NAME" help:"Its name; auto is its thumbprint (RFC 7638)."`
	Out   string `default:"." placeholder:"DIR" complete:"dir" help:"Where to write; made when it is not there. Default: here."`
	Bits  int    `default:"2048" enum:"2048,3072,4096" help:"Of an RSA key: ${enum}. Default ${default}."`
	Force bool   `help:"Overwrite files that are there."`
}

// Help is shown by --help.
func (New) Help() string {
	return `It writes private.pem (PKCS #8, for its owner only), public.pem and jwks.json; for HS256, HS384 and HS512 only a file named secret. The gateway gets jwks.json or public.pem; private.pem is for who signs.

	postern keys --out keys
	postern keys --alg RS256 --bits 3072 --kid 2026-11 --out keys
	postern token sign --key keys/private.pem --subject alice`
}

// file is what shall be written.
type file struct {
	name string
	mode os.FileMode
	data []byte
}

// Run writes all files, or none when one of them is there already.
func (c New) Run(app *kong.Kong) error {
	key, err := jwk.New(c.Alg, c.Bits)
	if err != nil {
		return err
	}
	if c.Kid != "auto" {
		key.ID = c.Kid
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
		fmt.Fprintln(app.Stdout, filepath.Join(c.Out, f.name))
	}
	if key.Public != nil {
		fmt.Fprintf(app.Stderr, "kid %s, %s\n", key.ID, key.Algorithm)
	}
	return nil
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

func (c New) write(files []file) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(c.Out, f.name)
		if _, err := os.Lstat(path); err == nil && !c.Force {
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
func (c New) place(f file) error {
	path := filepath.Join(c.Out, f.name)
	temporary, err := os.CreateTemp(c.Out, "."+f.name+"-")
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

// JWKS joins keys to a set.
type JWKS struct {
	Files []string `arg:"" name:"file" complete:"file" help:"PEM (public keys, certificates, private keys), JWK or JWKS; several PEM blocks are several keys."`
	Kid   []string `sep:"none" placeholder:"NAME" help:"Names of the keys, in order; repeats. Default: the key's own, else its thumbprint (RFC 7638)."`
}

// Help is shown by --help.
func (JWKS) Help() string {
	return `Only public halves are printed. During a rotation the set holds the old key and the new one:

	postern keys jwks old/public.pem new/public.pem > jwks.json
	postern keys jwks issuer.crt --kid 2026-11`
}

// Run prints the set.
func (c JWKS) Run(app *kong.Kong) error {
	var all []jwk.Key
	for _, path := range c.Files {
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
	if len(c.Kid) > len(all) {
		return fmt.Errorf("%d names for %d keys", len(c.Kid), len(all))
	}
	for i, kid := range c.Kid {
		all[i].ID = kid
	}
	set, err := setOf(all...)
	if err != nil {
		return err
	}
	_, err = app.Stdout.Write(set)
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
