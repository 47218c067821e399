package introspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/provisioning/config"
	"postern/provisioning/fetch"
)

// source is where the keys of an issuer come from. Two that are equal are the
// same key set.
type source struct {
	server, issuer string
	jwksURI        string
	discovery      bool
	allowHTTP      bool
	file           string        // path
	kind           string        // key of the configuration that names the file
	content        string        // of the file
	secret         config.Secret // the shared key, or the trust store's password
	alias          string
}

func sourceOf(s *config.AuthServer) source {
	l := s.Local
	from := source{
		server: s.Name, issuer: s.Issuer.Value,
		jwksURI: l.JWKSURI, discovery: l.Discovery, allowHTTP: l.AllowHTTP,
	}
	switch {
	case !l.JWKS.IsZero():
		from.read("jwks", l.JWKS)
	case !l.Certificate.IsZero():
		from.read("certificate", l.Certificate)
	case !l.PublicKey.IsZero():
		from.read("public_key", l.PublicKey)
	case l.SharedKey != nil:
		from.kind, from.secret = "shared_key", *l.SharedKey
	case l.Truststore != nil:
		from.read("truststore", l.Truststore.File)
		from.secret, from.alias = l.Truststore.Password, l.Truststore.Alias
	}
	return from
}

func (s *source) read(kind string, f config.File) {
	s.kind, s.file, s.content = kind, f.Path, string(f.Data)
}

// remote reports whether keys are fetched.
func (s *source) remote() bool { return s.kind == "" }

// String is where the keys come from, as it may stand in a log.
func (s *source) String() string {
	switch {
	case s.discovery:
		return fetch.Redact(s.discoveryURL())
	case s.remote():
		return fetch.Redact(s.jwksURI)
	case s.kind == "shared_key":
		return s.kind
	}
	return s.file
}

func (s *source) discoveryURL() string {
	return strings.TrimSuffix(s.issuer, "/") + "/.well-known/openid-configuration"
}

// parse reads the keys of a file.
func (s *source) parse() (*keys, error) {
	switch s.kind {
	case "certificate":
		return parseCertificate([]byte(s.content))
	case "public_key":
		return parsePublicKey([]byte(s.content))
	case "shared_key":
		return soleKey(newSharedKey("", s.secret, slices.Sorted(maps.Keys(sharedMethods())))), nil
	case "truststore":
		return parseTruststore([]byte(s.content), s.secret.Reveal(), s.alias)
	}
	return parseJWKS([]byte(s.content))
}

// discover reads the address of the key set from the issuer's own document,
// which must speak for the very issuer that was asked.
func (s *source) discover(body []byte) (string, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return "", fmt.Errorf("parse discovery document: %w", err)
	}
	switch {
	case document.Issuer != s.issuer:
		return "", fmt.Errorf("discovery document is for issuer %q", document.Issuer)
	case document.JWKSURI == "":
		return "", errors.New("discovery document has no jwks_uri")
	case strings.HasPrefix(s.issuer, "https:") && !s.allowHTTP && !strings.HasPrefix(document.JWKSURI, "https:"):
		return "", fmt.Errorf("discovery document's jwks_uri %s is not https", fetch.Redact(document.JWKSURI))
	}
	return document.JWKSURI, nil
}

// fetch reads the keys once more; nil keys: they have not changed. Only the
// goroutine of the key set calls it.
func (k *keySet) fetch(ctx context.Context) (content *keys, fresh *fetch.Answer, err error) {
	defer func() {
		// What a stranger sends must not end the process.
		if p := recover(); p != nil {
			content, fresh, err = nil, nil, fmt.Errorf("panic while fetching keys: a value of type %T", p)
		}
	}()
	address := k.source.jwksURI
	if k.source.discovery {
		if address, err = k.findJWKS(ctx); err != nil {
			return nil, nil, err
		}
	}
	last := &k.last
	if last.address != address || k.load() == nil {
		*last = document{address: address}
	}
	answer, err := k.client.Get(ctx, address, last.etag)
	if err != nil {
		return nil, nil, err
	}
	if answer.NotModified {
		return nil, answer, nil
	}
	if content, err = parseJWKS(answer.Body); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", fetch.Redact(address), err)
	}
	last.etag, last.body = answer.ETag, nil
	if k.caring().keep != "" {
		last.body = answer.Body
	}
	return content, answer, nil
}

func (k *keySet) findJWKS(ctx context.Context) (string, error) {
	address := k.source.discoveryURL()
	answer, err := k.client.Get(ctx, address, "")
	if err != nil {
		return "", err
	}
	found, err := k.source.discover(answer.Body)
	if err != nil {
		return "", fmt.Errorf("%s: %w", fetch.Redact(address), err)
	}
	return found, nil
}
