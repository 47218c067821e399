package introspect_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// strategy is one with a shared key of its own.
func strategy(i int, kid string) config.Strategy {
	return config.Strategy{Issuer: "partner", Kid: kid, Algorithms: []string{"HS256"}, SharedKey: config.NewSecret(fmt.Sprintf("%032d", i))}
}

// applications are app-0, app-1, …, each with one of the strategies.
func applications(list []config.Strategy) (apps []config.Application) {
	for i, one := range list {
		apps = append(apps, config.Application{ID: fmt.Sprint("app-", i), JWT: []config.Strategy{one}})
	}
	return apps
}

// strategies makes n of them, with the kids k0, k1, …
func strategies(n int) (list []config.Strategy) {
	for i := range n {
		list = append(list, strategy(i, fmt.Sprint("k", i)))
	}
	return list
}

func withStrategies(t testing.TB, previous *introspect.Set, list ...config.Strategy) (*introspect.Set, introspect.Introspector) {
	t.Helper()
	servers := []config.AuthServer{withFile(setOf(edSigner()))}
	set, err := introspect.New(introspect.Rules{Servers: servers, Applications: applications(list), Tokens: defaults}, previous, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return set, viewOf(t, set, servers...)
}

func partnerClaims(extra string) string {
	return fmt.Sprintf(`{"iss":"partner","exp":%d%s}`, at.Unix()+60, extra)
}

// signed is a token of the strategy, under another kid if need be.
func signed(s config.Strategy, kid string) string {
	return hmacToken("HS256", fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid), partnerClaims(""), s.SharedKey)
}

func TestStrategiesAreToldApart(t *testing.T) {
	list := append(strategies(6), strategy(6, ""))
	_, view := withStrategies(t, nil, list...)
	bare := func(s config.Strategy) string {
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

// TestStrategyWithoutKidAmongMany: a token without kid is that of a strategy
// without one where all keys would be too many to try.
func TestStrategyWithoutKidAmongMany(t *testing.T) {
	list := append(strategies(20), strategy(20, ""))
	_, view := withStrategies(t, nil, list...)
	bare := func(s config.Strategy) string {
		return hmacToken("HS256", `{"alg":"HS256"}`, partnerClaims(""), s.SharedKey)
	}
	if token, err := view.Introspect(context.Background(), bare(list[20]), at); err != nil || token.Application != "app-20" {
		t.Errorf("%v, %v", token, err)
	}
	if token, err := view.Introspect(context.Background(), bare(list[3]), at); !errors.Is(err, introspect.ErrSignature) {
		t.Errorf("of a strategy with a kid: %v, %v", token, err)
	}
}

// Whoever has a public key instead is held to the kind of its key.
func TestStrategiesWithPublicKeys(t *testing.T) {
	bySet := config.Strategy{Issuer: "partner", JWKS: file([]byte(setOf(rsaSigner(0), ecSigner())))}
	oneOfSet := config.Strategy{Issuer: "partner", Kid: "ed", JWKS: file([]byte(setOf(rsaSigner(1), edSigner())))}
	byKey := config.Strategy{Issuer: "partner", Kid: "p", Algorithms: []string{"PS256"}, PublicKey: file(publicPEM(rsaSigner(2)))}
	_, view := withStrategies(t, nil, bySet, oneOfSet, byKey)
	named := func(s signer, kid string) string { s.id = kid; return s.token(partnerClaims("")) }
	tests := []struct {
		name, token, application string
		want                     error
	}{
		{"a key set", rsaSigner(0).token(partnerClaims("")), "app-0", nil},
		{"its other key", ecSigner().token(partnerClaims("")), "app-0", nil},
		{"the key that kid picks", edSigner().token(partnerClaims("")), "app-1", nil},
		{"the key that it does not pick", rsaSigner(1).token(partnerClaims("")), "", introspect.ErrKey},
		{"a public key", named(rsaSigner(2).as("PS256"), "p"), "app-2", nil},
		{"not its algorithm", named(rsaSigner(2), "p"), "", introspect.ErrAlgorithm},
		{"the public key as a shared one", hs256(`{"alg":"HS256","kid":"p"}`, partnerClaims(""), publicPEM(rsaSigner(2))), "", introspect.ErrAlgorithm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := view.Introspect(context.Background(), tt.token, at)
			if !errors.Is(err, tt.want) || err == nil && token.Application != tt.application {
				t.Errorf("got %v, %v; want %q, %v", token, err, tt.application, tt.want)
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
	same := func(n int) (list []config.Strategy) {
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
	wrong.Algorithms = []string{"RS256"}
	nobody.SharedKey = config.Secret{}
	greedy := strategy(0, "k")
	greedy.Algorithms = []string{"HS256", "HS384"}
	crowd := []config.Strategy{{Issuer: "partner", JWKS: file([]byte(setOf(edSigner())))}}
	for i := range 8 {
		crowd = append(crowd, strategy(i, ""))
	}
	tests := []struct {
		name string
		list []config.Strategy
		want string
	}{
		{"eight for one kid", same(8), ""},
		{"nine for one kid", same(9), `applications[0].jwt[0]: 9 keys are for issuer "partner" and kid "k"`},
		{"eight for one kid and one for all", append(same(8), strategy(8, "")), `applications[0].jwt[0]: 9 keys`},
		{"too short", []config.Strategy{short}, "applications[0].jwt[0].shared_key: none of its keys fits"},
		{"asymmetric", []config.Strategy{wrong}, "jwt[0].shared_key: none of its keys fits"},
		{"an algorithm too many", []config.Strategy{greedy}, `jwt[0].algorithms[1]: no key beside it is for "HS384"`},
		{"nine in a key set, of one kid and none", crowd, `9 keys are for issuer "partner" and kid "ed"`},
		{"no key", []config.Strategy{nobody}, "jwt[0]: has no key"},
		{"one key for two", []config.Strategy{long, twin}, `applications[1].jwt[0]: application "app-0" has the same key`},
		{"one key for two, with a zero more", []config.Strategy{long, zeros}, `application "app-0" has the same key`},
		{"a key and its hash", []config.Strategy{hashed, digest}, `application "app-0" has the same key`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := introspect.New(introspect.Rules{Applications: applications(tt.list), Tokens: defaults}, nil, zap.NewNop())
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
	rules := introspect.Rules{Servers: []config.AuthServer{mine, others}, Applications: applications([]config.Strategy{s}), Tokens: defaults}
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
