package introspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// secretOf is a shared key of n bytes.
func secretOf(n int, fill string) config.Secret {
	return config.NewSecret(strings.Repeat(fill, n)[:n])
}

// hmacToken is signed with a shared key as golang-jwt does it.
func hmacToken(alg, header, payload string, key config.Secret) string {
	text := b64(header) + "." + b64(payload)
	return text + "." + b64(string(must(jwt.GetSigningMethod(alg).Sign(text, []byte(key.Reveal())))))
}

func withSharedKey(key config.Secret, algorithms ...string) config.AuthServer {
	return withDefaults(config.AuthServer{
		Name: "corp", Issuer: config.Issuer{Value: issuer},
		Local: &config.LocalIntrospection{SharedKey: &key, Algorithms: algorithms},
	})
}

func TestSharedKey(t *testing.T) {
	key, other := secretOf(64, "0123456789abcdef"), secretOf(64, "x")
	set, view := open(t, withSharedKey(key, "HS256", "HS512"))
	payload := claims(at, "")
	tests := []struct {
		name, token string
		want        error
	}{
		{"HS256", hmacToken("HS256", `{"alg":"HS256"}`, payload, key), nil},
		{"HS512", hmacToken("HS512", `{"alg":"HS512"}`, payload, key), nil},
		{"any kid", hmacToken("HS256", `{"alg":"HS256","kid":"k"}`, payload, key), nil},
		{"HS384, not allowed", hmacToken("HS384", `{"alg":"HS384"}`, payload, key), introspect.ErrAlgorithm},
		{"another key", hmacToken("HS256", `{"alg":"HS256"}`, payload, other), introspect.ErrSignature},
		{"HS512 claimed, HS256 made", hmacToken("HS256", `{"alg":"HS512"}`, payload, key), introspect.ErrSignature},
		{"half a signature", cut(hmacToken("HS256", `{"alg":"HS256"}`, payload, key), 23), introspect.ErrSignature},
		{"no signature", cut(hmacToken("HS256", `{"alg":"HS256"}`, payload, key), 43), introspect.ErrSignature},
		{"RS256", rsaSigner(0).token(payload), introspect.ErrAlgorithm},
		{"none", b64(`{"alg":"none"}`) + "." + b64(payload) + ".", introspect.ErrAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := view.Introspect(context.Background(), tt.token, at)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && (token.AuthServer != "corp" || token.Application != "") {
				t.Errorf("vouched for by %q, %q", token.AuthServer, token.Application)
			}
		})
	}
	if text := string(must(json.Marshal(set.Status()))); strings.Contains(text, key.Reveal()[:16]) || !strings.Contains(text, `"source":"shared_key"`) {
		t.Errorf("status %s", text)
	}
}

// cut takes n characters off the end.
func cut(token string, n int) string { return token[:len(token)-n] }

func TestSharedKeyTooShort(t *testing.T) {
	for _, tt := range []struct {
		alg  string
		size int
	}{{"HS256", 32}, {"HS384", 48}, {"HS512", 64}} {
		for _, size := range []int{tt.size, tt.size - 1} {
			server := withSharedKey(secretOf(size, "k"), tt.alg)
			_, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}, nil, zap.NewNop())
			if want := size < tt.size; (err != nil) != want || want && !strings.Contains(err.Error(), "local_introspection.shared_key: is too short for "+tt.alg) {
				t.Errorf("%s with %d bytes: %v", tt.alg, size, err)
			}
		}
	}
	server := withSharedKey(secretOf(64, "k"), "HS256", "RS256")
	_, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}, nil, zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), `algorithms[1]: "RS256"`) {
		t.Errorf("RS256 with a shared key: %v", err)
	}
}
