package introspect_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
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

// strategy is one of application i.
func strategy(i int, kid string) introspect.Strategy {
	return introspect.Strategy{
		Application: fmt.Sprint("app-", i), Issuer: "partner", Kid: kid, Algorithms: []string{"HS256"},
		SharedKey: config.NewSecret(fmt.Sprintf("%032d", i)), Path: []any{"applications", i, "jwt", 0},
	}
}

// strategies makes n of them, with the kids k0, k1, …
func strategies(n int) (list []introspect.Strategy) {
	for i := range n {
		list = append(list, strategy(i, fmt.Sprint("k", i)))
	}
	return list
}

func withStrategies(t testing.TB, previous *introspect.Set, list ...introspect.Strategy) (*introspect.Set, introspect.Introspector) {
	t.Helper()
	servers := []config.AuthServer{withFile(setOf(edSigner()))}
	set, err := introspect.New(introspect.Rules{Servers: servers, Strategies: list, Tokens: defaults}, previous, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set, viewOf(t, set, servers...)
}

func partnerClaims(extra string) string {
	return fmt.Sprintf(`{"iss":"partner","exp":%d%s}`, at.Unix()+60, extra)
}

// signed is a token of the strategy, under another kid if need be.
func signed(s introspect.Strategy, kid string) string {
	return hmacToken("HS256", fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid), partnerClaims(""), s.SharedKey)
}

func TestStrategiesAreToldApart(t *testing.T) {
	list := append(strategies(6), strategy(6, ""))
	_, view := withStrategies(t, nil, list...)
	bare := func(s introspect.Strategy) string {
		return hmacToken("HS256", `{"alg":"HS256"}`, partnerClaims(""), s.SharedKey)
	}
	tests := []struct {
		name, token, application string
		want                     error
	}{
		{"by kid", signed(list[3], "k3"), "app-3", nil},
		{"by trying, without a kid", bare(list[4]), "app-4", nil},
		{"a strategy without kid, token with one", signed(list[6], "k2"), "app-6", nil},
		{"a strategy without kid, token with a new one", signed(list[6], "new"), "app-6", nil},
		{"a strategy without kid, token without", bare(list[6]), "app-6", nil},
		{"another application's kid", signed(list[3], "k2"), "", introspect.ErrSignature},
		{"unknown kid", signed(list[3], "new"), "", introspect.ErrSignature},
		{"a stranger's key", bare(strategy(99, "")), "", introspect.ErrSignature},
		{"not its algorithm", hmacToken("HS384", `{"alg":"HS384","kid":"k1"}`, partnerClaims(""), list[1].SharedKey), "", introspect.ErrAlgorithm},
		{"an auth server's key", edSigner().token(partnerClaims("")), "", introspect.ErrAlgorithm},
		{"a strategy's key for an auth server's issuer", hmacToken("HS256", `{"alg":"HS256"}`, claims(at, ""), list[1].SharedKey), "", introspect.ErrAlgorithm},
		{"another issuer", hmacToken("HS256", `{"alg":"HS256"}`, `{"iss":"Partner","exp":1900000000}`, list[1].SharedKey), "", introspect.ErrUnknownIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, when := range []string{"first", "again"} {
				token, err := view.Introspect(context.Background(), tt.token, at)
				if !errors.Is(err, tt.want) {
					t.Fatalf("%s: got %v, want %v", when, err, tt.want)
				}
				if err == nil && (token.Application != tt.application || token.AuthServer != "") {
					t.Errorf("%s: speaks for %q, %q", when, token.Application, token.AuthServer)
				}
			}
		})
	}
}

func TestStrategiesAreBounded(t *testing.T) {
	list := strategies(9)
	_, view := withStrategies(t, nil, list...)
	bare := hmacToken("HS256", `{"alg":"HS256"}`, partnerClaims(""), list[0].SharedKey)
	if err := judgeAt(view, bare); !errors.Is(err, introspect.ErrKey) {
		t.Errorf("no kid and nine keys: %v", err)
	}
	if err := judgeAt(view, signed(list[8], "k8")); err != nil {
		t.Errorf("one of nine by kid: %v", err)
	}
}

func TestFaultyStrategies(t *testing.T) {
	same := func(n int) (list []introspect.Strategy) {
		for i := range n {
			list = append(list, strategy(i, "k"))
		}
		return list
	}
	short, long, twin, zeros := strategy(0, "k"), strategy(1, "k"), strategy(2, "k"), strategy(2, "k")
	short.SharedKey = secretOf(31, "s")
	twin.SharedKey = long.SharedKey
	zeros.SharedKey = config.NewSecret(long.SharedKey.Reveal() + "\x00")
	hashed := long
	hashed.SharedKey = secretOf(200, "h")
	digest := strategy(2, "k")
	digest.SharedKey = config.NewSecret(sum256(hashed.SharedKey.Reveal()))
	wrong, nobody := strategy(0, "k"), strategy(0, "k")
	wrong.Algorithms = []string{"HS256", "RS256"}
	nobody.Issuer = ""
	tests := []struct {
		name string
		list []introspect.Strategy
		want string
	}{
		{"eight for one kid", same(8), ""},
		{"nine for one kid", same(9), `applications[0].jwt[0]: 9 shared keys are for issuer "partner" and kid "k"`},
		{"eight for one kid and one for all", append(same(8), strategy(8, "")), `applications[0].jwt[0]: 9 shared keys`},
		{"too short", []introspect.Strategy{short}, "applications[0].jwt[0]: its shared key does not fit"},
		{"asymmetric", []introspect.Strategy{wrong}, "does not fit each of its algorithms"},
		{"no issuer", []introspect.Strategy{nobody}, "needs the issuer"},
		{"one key for two", []introspect.Strategy{long, twin}, `applications[2].jwt[0]: application "app-1" has the same shared key`},
		{"one key for two, with a zero more", []introspect.Strategy{long, zeros}, `application "app-1" has the same shared key`},
		{"a key and its hash", []introspect.Strategy{hashed, digest}, `application "app-1" has the same shared key`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := introspect.New(introspect.Rules{Strategies: tt.list, Tokens: defaults}, nil, zap.NewNop())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestStrategiesOverAReload(t *testing.T) {
	list := strategies(3)
	set, view := withStrategies(t, nil, list...)
	token := signed(list[1], "k1")
	first := must(view.Introspect(context.Background(), token, at))
	_, kept := withStrategies(t, set, list...)
	if again := must(kept.Introspect(context.Background(), token, at)); again != first {
		t.Error("unchanged strategies have lost their cached token")
	}
	list[1].SharedKey = config.NewSecret(fmt.Sprintf("%032d", 77))
	_, changed := withStrategies(t, set, list...)
	if err := judgeAt(changed, token); !errors.Is(err, introspect.ErrSignature) {
		t.Errorf("token of the key that was replaced: %v", err)
	}
	_, gone := withStrategies(t, set, list[0])
	if err := judgeAt(gone, token); err == nil {
		t.Error("token of the strategy that was removed passes")
	}
}

// An auth server's issuer is its own on every API that names it, cached or not.
func TestAuthServersComeBeforeStrategies(t *testing.T) {
	mine, others := withFile(setOf(edSigner())), withFile(setOf(ecSigner()))
	others.Name, others.Issuer.Value = "others", "https://others.example"
	s := strategy(0, "k")
	s.Issuer = issuer
	rules := introspect.Rules{Servers: []config.AuthServer{mine, others}, Strategies: []introspect.Strategy{s}, Tokens: defaults}
	set, err := introspect.New(rules, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	token := hmacToken("HS256", `{"alg":"HS256","kid":"k"}`, claims(at, ""), s.SharedKey)
	if err := judgeAt(viewOf(t, set, others), token); err != nil {
		t.Errorf("API without that auth server: %v", err)
	}
	if err := judgeAt(viewOf(t, set, mine), token); !errors.Is(err, introspect.ErrAlgorithm) {
		t.Errorf("API with that auth server: %v", err)
	}
}

func judgeAt(view introspect.Introspector, token string) error {
	_, err := view.Introspect(context.Background(), token, at)
	return err
}

func sum256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(sum[:])
}
