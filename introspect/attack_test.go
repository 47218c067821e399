package introspect_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// attack is a token that must be refused, and as what.
type attack struct {
	name, token string
	want        error
}

// attacker makes tokens out of what a stranger has: valid tokens of others, all
// public keys, and a key that two auth servers do not know or not as his.
type attacker struct {
	good, other, ec, ed signer
	payload             string // of valid
	valid               string // good's
	segments            []string
	evil                string // address of a server that counts who comes
}

// with is a token that good has signed, with more members in its header.
func (a *attacker) with(members string) string {
	return a.good.sign(`{"alg":"RS256","kid":"rsa-0"`+members+`}`, a.payload)
}

// of is one with more claims.
func (a *attacker) of(members string) string { return a.good.token(claims(at, members)) }

// dated is one with this exp.
func (a *attacker) dated(exp string) string {
	return a.good.token(fmt.Sprintf(`{"iss":%q,"exp":%s}`, issuer, exp))
}

// forged is what other signs under a header that a stranger may write.
func (a *attacker) forged(members string) string {
	return a.other.sign(`{"alg":"RS256"`+members+`}`, a.payload)
}

const partners = "https://partner.example"

// victims are three auth servers: two with different keys under one kid, and
// one with a shared key.
func (a *attacker) victims() []config.AuthServer {
	corp, partner := withFile(setOf(a.good, a.ec, a.ed)), withFile(setOf(signer{"rsa-0", "RS256", rsaKeys()[2]}))
	partner.Name, partner.Issuer.Value = "partner", partners
	shared := withSharedKey(sharedByAll, "HS256")
	shared.Name, shared.Issuer.Value = "shared", "shared"
	return []config.AuthServer{corp, partner, shared}
}

var sharedByAll = config.NewSecret("the shared key of the third auth server")

func attacks(a *attacker) []attack {
	return slices.Concat(a.forms(), a.encodings(), a.texts(), a.algorithms(), a.keys(), a.headers(), a.issuers(), a.claims(), a.dates())
}

// Every attack is refused as what it is, by a gateway that has just started and
// by one that knows the valid token it is made of; nobody is asked about it.
func TestAttacks(t *testing.T) {
	var visitors atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visitors.Add(1) }))
	defer evil.Close()
	a := &attacker{good: rsaSigner(0), other: rsaSigner(1), ec: ecSigner(), ed: edSigner(), payload: claims(at, ""), evil: evil.URL}
	a.valid = a.good.token(a.payload)
	a.segments = strings.Split(a.valid, ".")

	servers := a.victims()
	newcomer := mustOpen(t, servers)
	seasoned := mustOpen(t, servers)
	all := attacks(a)
	t.Logf("%d attacks", len(all))
	if len(all) < 150 {
		t.Errorf("only %d attacks", len(all))
	}
	seen := map[string]bool{}
	for _, tt := range all {
		if seen[tt.name] {
			t.Errorf("two attacks are called %q", tt.name)
		}
		seen[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			a.repelled(t, newcomer, tt)
			for _, valid := range []string{a.valid, a.ec.token(a.payload), a.ed.token(a.payload)} {
				if err := judgeAt(seasoned, valid); err != nil {
					t.Fatalf("the valid token it is made of: %v", err)
				}
			}
			a.repelled(t, seasoned, tt)
		})
	}
	if n := visitors.Load(); n > 0 {
		t.Errorf("%d requests went where tokens said", n)
	}
}

func mustOpen(t *testing.T, servers []config.AuthServer) introspect.Introspector {
	t.Helper()
	set, err := introspect.New(introspect.Rules{Servers: servers, Tokens: defaults}, nil, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return viewOf(t, set, servers...)
}

// repelled asks twice: a refusal must not make the next one pass.
func (a *attacker) repelled(t *testing.T, view introspect.Introspector, tt attack) {
	t.Helper()
	for range 2 {
		token, err := view.Introspect(context.Background(), tt.token, at)
		if !errors.Is(err, tt.want) || token != nil {
			t.Fatalf("got %v, %v; want %v", token, err, tt.want)
		}
	}
}

// hs256 signs with a shared secret, as a confused verifier would check it.
func hs256(header, payload string, secret []byte) string {
	text := b64(header) + "." + b64(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + b64(string(mac.Sum(nil)))
}

// publicPEM is what an attacker knows of a key.
func publicPEM(s signer) []byte {
	der := must(x509.MarshalPKIXPublicKey(s.private.Public()))
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
