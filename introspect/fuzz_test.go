package introspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// What is accepted must be a token to golang-jwt too, with the same claims.
func FuzzIntrospect(f *testing.F) {
	key := edSigner()
	_, view := open(f, withFile(setOf(key)))
	public := key.private.Public()
	for _, seed := range []string{
		key.token(claims(at, "")), key.token(`{}`), key.sign(`{"alg":"none"}`, `{}`), "a.b.c", "..", "",
		key.token(claims(at, `,"aud":["a"],"nbf":1e3,"x":{"y":[null,true,"\ud83d\ude00"]}`)),
		key.sign(`{"alg":"EdDSA","kid":"ed","crit":["x"]}`, claims(at, "")),
	} {
		f.Add(seed)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber(), jwt.WithStrictDecoding())
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := view.Introspect(context.Background(), raw, at)
		if err != nil {
			mustBeASentinel(t, err)
			return
		}
		theirs, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return public, nil })
		if err != nil {
			t.Fatalf("accepted, but golang-jwt says %v", err)
		}
		if !reflect.DeepEqual(got.Claims, map[string]any(theirs.Claims.(jwt.MapClaims))) {
			t.Fatalf("claims %v, golang-jwt reads %v", got.Claims, theirs.Claims)
		}
	})
}

// FuzzClaims signs what it is given, so that parsing goes all the way.
func FuzzClaims(f *testing.F) {
	key := edSigner()
	_, view := open(f, withFile(setOf(key)))
	public := key.private.Public()
	for _, seed := range []string{
		claims(at, ""), claims(at, `,"aud":["a"],"nbf":1e3`), `{"iss":"` + issuer + `","exp":1.9e9}`,
		claims(at, `,"sub":"x"`), claims(at, `,"exp":"1"`), claims(at, `,"a":-0.0e-0,"b":[{},[]]`),
	} {
		f.Add(seed)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithJSONNumber(), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithIssuer(issuer), jwt.WithLeeway(defaults.ClockSkew.Limit()), jwt.WithTimeFunc(now))
	f.Fuzz(func(t *testing.T, payload string) {
		raw := key.token(payload)
		got, err := view.Introspect(context.Background(), raw, at)
		if err != nil {
			mustBeASentinel(t, err)
			return
		}
		theirs, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return public, nil })
		if err != nil {
			t.Fatalf("accepted %q, but golang-jwt says %v", payload, err)
		}
		if subject, _ := theirs.Claims.GetSubject(); subject != got.Subject {
			t.Fatalf("subject %q, golang-jwt reads %q", got.Subject, subject)
		}
	})
}

func mustBeASentinel(t *testing.T, err error) {
	t.Helper()
	for _, one := range []error{
		introspect.ErrMalformed, introspect.ErrUnknownIssuer, introspect.ErrAlgorithm, introspect.ErrKey, introspect.ErrSignature,
		introspect.ErrExpired, introspect.ErrNotYetValid, introspect.ErrClaims,
	} {
		if errors.Is(err, one) {
			return
		}
	}
	t.Fatalf("error of no kind: %v", err)
}

// The strict reader accepts nothing that encoding/json refuses, and reads it
// the same; what it refuses beyond that is for one of its reasons.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":[1,2,{"b":null}],"c":"\u00e9\n"}`, `{"a":1,"a":2}`, `{"a":-0.5E+10}`, ` {"a" : true } `,
		`{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `[]`, `{"a":01}`, `{"a":1}x`, `{"":{"":{}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := introspect.ParseObject(text)
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var want map[string]any
		wantErr := decoder.Decode(&want)
		if err == nil && !json.Valid([]byte(text)) {
			t.Fatalf("accepted, but it is no JSON: %v", wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, encoding/json reads %v", got, want)
		}
		if err == nil || wantErr != nil || want == nil || !json.Valid([]byte(text)) {
			return
		}
		for _, reason := range []string{"stands twice", "invalid UTF-8", "nested too deep", `bad \u escape`} {
			if strings.Contains(err.Error(), reason) {
				return
			}
		}
		t.Fatalf("refused valid JSON: %v", err)
	})
}

// A key set of any bytes is read or refused, and a key that is used is one.
func FuzzKeySet(f *testing.F) {
	for _, seed := range []string{
		setOf(rsaSigner(0), ecSigner(), edSigner()), `{"keys":[{}]}`, `{"keys":[null,1,"x",[]]}`, `{}`, ``,
		jwks(edSigner().jwk(`,"use":"enc"`), edSigner().jwk(`,"key_ops":["verify"],"x5u":"https://a.example"`)),
		jwks(rsaJWK("AQAB", "AQAB"), `{"kid":"odd","kty":"EC","crv":"P-521","x":"AQ","y":""}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, set string) {
		s, err := introspect.New(introspect.Rules{Servers: []config.AuthServer{withFile(set)}, Tokens: defaults}, nil, zap.NewNop())
		if err != nil {
			return
		}
		status := s.Status()[0]
		if len(status.Keys) == 0 || !status.Usable {
			t.Fatalf("accepted without a usable key: %+v", status)
		}
		view, err := s.For(introspect.Accepts{Servers: []string{"corp"}, JWT: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range status.Keys {
			forged := signer{one.ID, one.Algorithms[0], nil}
			raw := b64(forged.header()) + "." + b64(claims(at, "")) + ".AAAA"
			if _, err := view.Introspect(context.Background(), raw, at); err == nil {
				t.Fatalf("key %+v verifies nothing at all", one)
			}
		}
	})
}
