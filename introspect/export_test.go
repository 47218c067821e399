package introspect

import (
	"net/http"

	"go.uber.org/zap"

	"postern/provisioning/config"
)

// NewOver is New with keys fetched over transport; later Sets inherit it.
func NewOver(transport http.RoundTripper, servers []config.AuthServer, tokens config.Tokens, log *zap.Logger) (*Set, error) {
	return New(Rules{Servers: servers, Tokens: tokens}, &Set{transport: transport}, log)
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
