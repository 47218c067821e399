package introspect

import (
	"context"
	"net/http"
	"time"

	"go.uber.org/zap"

	"postern/provisioning/config"
)

// NewOver is New with everything fetched over transport.
func NewOver(transport http.RoundTripper, servers []config.AuthServer, tokens config.Tokens, log *zap.Logger) (*Set, error) {
	return New(Rules{Servers: servers, Tokens: tokens, Transport: transport}, nil, log)
}

// Occupy takes n turns of verification and returns what gives them back.
func (s *Set) Occupy(n int) (release func()) {
	for range n {
		s.gate.running <- struct{}{}
	}
	return func() {
		for range n {
			s.gate.leave()
		}
	}
}

// Waiting is how many verifications wait for their turn.
func (s *Set) Waiting() int { return int(s.gate.waiting.Load()) }

// ParseObject is the strict JSON reader.
func ParseObject(text string) (map[string]any, error) {
	object, _, err := parseObject(text)
	return object, err
}

// VerifySignature judges the signature of raw alone: by the algorithms and keys
// of an auth server, whatever the payload is.
func VerifySignature(cfg config.AuthServer, raw string) error {
	set, err := New(Rules{Servers: []config.AuthServer{cfg}, Tokens: config.Default().Tokens}, nil, zap.NewNop())
	if err != nil {
		return err
	}
	first, second, err := split(raw)
	if err != nil {
		return err
	}
	t := &jws{signed: raw[:second], signature: raw[second+1:]}
	if t.header, err = parseHeader(raw[:first]); err != nil {
		return err
	}
	s := set.servers[0]
	if s.methods[t.header.alg] == nil {
		return ErrAlgorithm
	}
	signature, err := segment.DecodeString(t.signature)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = s.findKey(context.Background(), &check{server: s, method: s.methods[t.header.alg], jws: t, signature: signature, gate: set.gate, now: now}, now)
	return err
}

// ReadAnswer is the reader of an authorization server's answers.
func ReadAnswer(body []byte, now time.Time) (*Token, error) {
	token, _, err := readAnswer(body, "", now, 0)
	return token, err
}

// KeyThumbprint is that of a JWK.
func KeyThumbprint(raw []byte) (string, error) {
	_, k, err := parseJWK(raw)
	if err != nil {
		return "", err
	}
	return k.thumbprint()
}
