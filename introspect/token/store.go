package token

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"postern/introspect/jwk"
	"postern/provisioning/config"
	"postern/provisioning/keystore"
)

// store says which entry of a Java store, PKCS #12 or JKS, --key is about. That it
// is one is said and not guessed, since a file with a secret may begin like it.
type store struct {
	passwordEnv, alias string
}

func (s *store) bind(to *cobra.Command) {
	flags := to.Flags()
	flags.StringVar(&s.passwordEnv, "store-password-env", "", "The `NAME` of an environment variable with a password: --key is a Java store, PKCS #12 or JKS, that it opens.")
	flags.StringVar(&s.alias, "alias", "", "The `NAME` of the entry of that store. Default: the only one.")
}

// stated reports whether --key is a store.
func (s store) stated(key string) (bool, error) {
	switch {
	case s.passwordEnv == "" && s.alias != "":
		return false, errors.New("--alias is for a Java store: state --store-password-env too")
	case s.passwordEnv != "" && key == "":
		return false, errors.New("--store-password-env is for a Java store: state --key too")
	}
	return s.passwordEnv != "", nil
}

func (s store) password() (string, error) {
	password, ok := os.LookupEnv(s.passwordEnv)
	if !ok {
		return "", fmt.Errorf("$%s is not set", s.passwordEnv)
	}
	return password, nil
}

// private is the key that signs.
func (s store) private(path string) (jwk.Key, error) {
	password, err := s.password()
	if err != nil {
		return jwk.Key{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return jwk.Key{}, err
	}
	pair, err := keystore.PrivateKey(data, password, s.alias)
	if err != nil {
		return jwk.Key{}, fmt.Errorf("%s %w", path, err)
	}
	found, err := jwk.Read(pair.KeyPEM())
	if err != nil {
		return jwk.Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return found[0], nil
}

// trusted is the certificate that verifies.
func (s store) trusted(path string) (*config.Truststore, error) {
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	found, err := file(path)
	return &config.Truststore{File: found, Password: config.NewSecret(password), Alias: s.alias}, err
}
