package introspect_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

func BenchmarkVerify(b *testing.B) {
	for _, s := range []signer{rsaSigner(0), ecSigner(), edSigner()} {
		token := s.token(claims(at, `,"aud":"orders","scope":"orders:read orders:write","realm_access":{"roles":["shopper"]}`))
		b.Run(s.alg, func(b *testing.B) {
			view := uncached(b, s)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := view.Introspect(context.Background(), token, at); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(s.alg+"/golang-jwt", func(b *testing.B) {
			parser := jwt.NewParser(jwt.WithValidMethods([]string{s.alg}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
			public := s.private.Public()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.Parse(token, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// uncached is a view that verifies every token.
func uncached(b *testing.B, s signer) introspect.Introspector {
	server, tokens := withFile(setOf(s)), defaults
	tokens.Cache.Entries = 0
	set, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{server}, Tokens: tokens}, nil, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	return viewOf(b, set, server)
}

func BenchmarkBadSignature(b *testing.B) {
	_, view := open(b, withFile(setOf(rsaSigner(0))))
	token := signer{"rsa-0", "RS256", rsaKeys()[1]}.token(claims(at, ""))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = view.Introspect(context.Background(), token, at)
	}
}

func BenchmarkCached(b *testing.B) {
	_, view := open(b, withFile(setOf(edSigner())))
	tokens := make([]string, 10000)
	for i := range tokens {
		tokens[i] = numbered(i)
		if _, err := view.Introspect(context.Background(), tokens[i], at); err != nil {
			b.Fatal(err)
		}
	}
	for _, n := range []int{1, len(tokens)} {
		b.Run(fmt.Sprintf("%d tokens", n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := view.Introspect(context.Background(), tokens[i%n], at); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
