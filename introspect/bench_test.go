package introspect_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// ordinary are the claims of a token as issuers make them.
const ordinary = `,"aud":"orders","scope":"orders:read orders:write","realm_access":{"roles":["shopper"]}`

func BenchmarkVerify(b *testing.B) {
	for _, s := range []signer{rsaSigner(0), ecSigner(), edSigner()} {
		token, public := s.token(claims(at, ordinary)), s.private.Public()
		b.Run(s.alg, func(b *testing.B) { asked(b, uncached(b, withFile(setOf(s))), token) })
		b.Run(s.alg+"/golang-jwt", func(b *testing.B) { parsed(b, s.alg, token, public) })
	}
	token := hmacToken("HS256", `{"alg":"HS256"}`, claims(at, ordinary), sharedByAll)
	b.Run("HS256", func(b *testing.B) { asked(b, uncached(b, withSharedKey(sharedByAll, "HS256")), token) })
	b.Run("HS256/golang-jwt", func(b *testing.B) { parsed(b, "HS256", token, []byte(sharedByAll.Reveal())) })
}

// What is cheap comes before the signature.
func BenchmarkRefuse(b *testing.B) {
	s := rsaSigner(0)
	_, view := open(b, withFile(setOf(s)))
	forged := signer{s.id, "RS256", rsaKeys()[1]}.token(claims(at, ordinary))
	b.Run("bad signature", func(b *testing.B) { asked(b, view, forged) })
	b.Run("bad signature/golang-jwt", func(b *testing.B) { parsed(b, "RS256", forged, s.private.Public()) })
	b.Run("expired", func(b *testing.B) { asked(b, view, s.token(claims(at.Add(-2*time.Hour), ordinary))) })
	b.Run("unknown issuer", func(b *testing.B) { asked(b, view, s.token(`{"iss":"https://evil.example","exp":1900000000}`)) })
	b.Run("alg none", func(b *testing.B) { asked(b, view, b64(`{"alg":"none"}`)+"."+b64(claims(at, ordinary))+".") })
	b.Run("no token", func(b *testing.B) { asked(b, view, "abc") })
}

// asked measures the view's answer, whatever it is.
func asked(b *testing.B, view introspect.Introspector, token string) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = view.Introspect(context.Background(), token, at)
	}
}

// parsed measures golang-jwt alone.
func parsed(b *testing.B, alg, token string, key any) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	b.ReportAllocs()
	for b.Loop() {
		_, _ = parser.Parse(token, func(*jwt.Token) (any, error) { return key, nil })
	}
}

// uncached is a view that verifies every token.
func uncached(b *testing.B, server config.AuthServer) introspect.Introspector {
	tokens := defaults
	tokens.Cache.Entries = 0
	rules := introspect.Rules{Servers: []config.AuthServer{server}, Tokens: tokens}
	set, err := introspect.New(rules, nil, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	return viewOf(b, set, server)
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

// Callers whose tokens are cached, while others send bad signatures as fast as
// they can.
func BenchmarkCachedInAFlood(b *testing.B) {
	_, view := open(b, withFile(setOf(rsaSigner(0))))
	good, forged := rsaSigner(0).token(claims(at, ordinary)), signer{"rsa-0", "RS256", rsaKeys()[1]}.token(claims(at, ordinary))
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for range 64 {
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = view.Introspect(context.Background(), forged, at)
				}
			}
		})
	}
	var spans []time.Duration
	for b.Loop() {
		begun := time.Now()
		if _, err := view.Introspect(context.Background(), good, at); err != nil {
			b.Fatal(err)
		}
		spans = append(spans, time.Since(begun))
	}
	close(stop)
	flood.Wait()
	slices.Sort(spans)
	b.ReportMetric(float64(spans[len(spans)/2]), "p50-ns")
	b.ReportMetric(float64(spans[len(spans)*99/100]), "p99-ns")
	b.ReportMetric(float64(spans[len(spans)*999/1000]), "p99.9-ns")
}
