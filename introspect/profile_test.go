package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"postern/introspect"
	"postern/provisioning/config"
)

// accessToken is a payload with all that RFC 9068 2.2 requires, less the member
// left out; extra ones begin with a comma.
func accessToken(without, extra string) string {
	members := []string{
		fmt.Sprintf(`"iss":%q`, issuer), fmt.Sprintf(`"exp":%d`, at.Unix()+60), `"aud":["orders"]`, `"sub":"alice"`,
		`"client_id":"shop"`, fmt.Sprintf(`"iat":%d`, at.Unix()), `"jti":"1"`,
	}
	var kept []string
	for _, m := range members {
		if without == "" || !strings.HasPrefix(m, `"`+without+`"`) {
			kept = append(kept, m)
		}
	}
	return "{" + strings.Join(kept, ",") + extra + "}"
}

func withProfile(t testing.TB, set string, words ...string) introspect.Introspector {
	server := withFile(set)
	server.Local.Profile = words
	server.Local.Algorithms = []string{"RS256", "ES256", "EdDSA"}
	server.Audience = &config.Audience{Any: []string{"orders"}}
	if words[0] == "rfc9068" {
		server.Local.Types = []string{"at+jwt"}
	}
	_, view := open(t, server)
	return view
}

// line is one of a checklist: a token that it refuses, or where it is met.
type line struct {
	text  string
	token string
	want  error
	met   string // by construction, where
}

func checkLines(t *testing.T, view introspect.Introspector, good string, lines []line) {
	t.Helper()
	if err := judgeAt(view, good); err != nil {
		t.Fatalf("the token that keeps to all lines: %v", err)
	}
	for _, tt := range lines {
		t.Run(tt.text, func(t *testing.T) {
			if tt.met != "" {
				t.Log(tt.met)
				return
			}
			token, err := view.Introspect(context.Background(), tt.token, at)
			if !errors.Is(err, tt.want) || token != nil {
				t.Errorf("got %v, %v; want %v", token, err, tt.want)
			}
		})
	}
}

func TestProfileRFC9068(t *testing.T) {
	key, other := edSigner(), rsaSigner(1)
	view := withProfile(t, setOf(key), "rfc9068")
	typed := func(typ, payload string) string {
		return key.sign(fmt.Sprintf(`{"alg":"EdDSA","kid":"ed"%s}`, typ), payload)
	}
	of := func(payload string) string { return typed(`,"typ":"at+jwt"`, payload) }
	all := accessToken("", "")
	without := func(claim string) string { return of(accessToken(claim, "")) }
	with := func(extra string) string { return of(accessToken("", extra)) }
	checkLines(t, view, of(all), []line{
		{text: "2.1 MUST be signed", token: b64(`{"alg":"none","typ":"at+jwt"}`) + "." + b64(all) + ".", want: introspect.ErrAlgorithm},
		{text: "2.1 MUST NOT use none", token: b64(`{"alg":"nOne","typ":"at+jwt"}`) + "." + b64(all) + ".", want: introspect.ErrAlgorithm},
		{text: "2.1 typ is stated", token: typed("", all), want: introspect.ErrMalformed},
		{text: "2.2 iss REQUIRED", token: without("iss"), want: introspect.ErrUnknownIssuer},
		{text: "2.2 exp REQUIRED", token: without("exp"), want: introspect.ErrClaims},
		{text: "2.2 aud REQUIRED", token: without("aud"), want: introspect.ErrClaims},
		{text: "2.2 aud says nothing", token: of(accessToken("aud", `,"aud":[]`)), want: introspect.ErrClaims},
		{text: "2.2 sub REQUIRED", token: without("sub"), want: introspect.ErrClaims},
		{text: "2.2 client_id REQUIRED", token: without("client_id"), want: introspect.ErrClaims},
		{text: "2.2 client_id is a string", token: of(accessToken("client_id", `,"client_id":7`)), want: introspect.ErrClaims},
		{text: "2.2 iat REQUIRED", token: without("iat"), want: introspect.ErrClaims},
		{text: "2.2 jti REQUIRED", token: without("jti"), want: introspect.ErrClaims},
		{text: "2.2 jti null", token: of(accessToken("jti", `,"jti":null`)), want: introspect.ErrClaims},
		{text: "2.2.1 auth_time is a date", token: with(`,"auth_time":"yesterday"`), want: introspect.ErrClaims},
		{text: "2.2.1 acr is a string", token: with(`,"acr":3`), want: introspect.ErrClaims},
		{text: "2.2.1 amr is a list of strings", token: with(`,"amr":"pwd"`), want: introspect.ErrClaims},
		{text: "2.2.3 scope is a string", token: with(`,"scope":["a"]`), want: introspect.ErrClaims},
		{text: "4 typ JWT is rejected", token: typed(`,"typ":"JWT"`, all), want: introspect.ErrMalformed},
		{text: "4 typ of an ID token is rejected", token: typed(`,"typ":"id+jwt"`, all), want: introspect.ErrMalformed},
		{text: "4 encrypted: no encryption was agreed on", token: b64(`{"alg":"RSA-OAEP","enc":"A128GCM","typ":"at+jwt"}`) + ".a.b.c.d", want: introspect.ErrMalformed},
		{text: "4 iss exactly", token: of(accessToken("iss", fmt.Sprintf(`,"iss":"%s/"`, issuer))), want: introspect.ErrUnknownIssuer},
		{text: "4 aud holds this resource", met: "gateway/policy/identify compares aud for each request; a configuration with an audience that is unchecked or not required is a fault (profile.bad.yaml)"},
		{text: "4 signature verified", token: cut(of(all), 4) + "AAAA", want: introspect.ErrSignature},
		{text: "4 alg none rejected", token: b64(`{"alg":"none","typ":"at+jwt"}`) + "." + b64(all) + "." + b64("x"), want: introspect.ErrAlgorithm},
		{text: "4 keys of the authorization server", token: other.sign(`{"alg":"RS256","kid":"rsa-1","typ":"at+jwt"}`, all), want: introspect.ErrKey},
		{text: "4 before exp", token: of(accessToken("exp", `,"exp":1799999000`)), want: introspect.ErrExpired},
	})
	for _, typ := range []string{"at+jwt", "application/at+jwt", "AT+JWT"} {
		if err := judgeAt(view, typed(fmt.Sprintf(`,"typ":%q`, typ), accessToken("", `,"scope":"a b","amr":["pwd"],"auth_time":1,"acr":"0"`))); err != nil {
			t.Errorf("typ %s: %v", typ, err)
		}
	}
}

func TestProfileRFC8725(t *testing.T) {
	key, ec, other := rsaSigner(0), ecSigner(), rsaSigner(1)
	view := withProfile(t, jwks(key.jwk(`,"alg":"RS256"`), ec.jwk("")), "rfc8725")
	payload := claims(at, `,"aud":"orders"`)
	of := key.token
	checkLines(t, view, key.token(payload), []line{
		{text: "3.1 algorithms that the caller allows", token: key.as("RS512").token(payload), want: introspect.ErrAlgorithm},
		{text: "3.1 the algorithm of the key", token: ec.sign(`{"alg":"ES256","kid":"rsa-0","typ":"JWT"}`, payload), want: introspect.ErrAlgorithm},
		{text: "3.1 one algorithm for each key", met: "TestProfileRFC8725WantsOneAlgorithmForEachKey"},
		{text: "3.2 none", token: b64(`{"alg":"none","typ":"JWT"}`) + "." + b64(payload) + ".", want: introspect.ErrAlgorithm},
		{text: "3.2 RSA1_5 and other encryption", token: key.sign(`{"alg":"RSA1_5","kid":"rsa-0","typ":"JWT"}`, payload), want: introspect.ErrAlgorithm},
		{text: "3.3 every operation validated, nested too", token: key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"JWT","cty":"JWT"}`, payload), want: introspect.ErrMalformed},
		{text: "3.3 a failing one refuses the token", token: cut(of(payload), 4) + "AAAA", want: introspect.ErrSignature},
		{text: "3.4 inputs: r and s", token: b64(ec.header()) + "." + b64(payload) + "." + b64(strings.Repeat("\x00", 64)), want: introspect.ErrSignature},
		{text: "3.4 inputs: points on the curve", met: "TestKeysThatAreSkipped, point off its curve; no key agreement is done"},
		{text: "3.5 keys with entropy", met: "TestSharedKeyTooShort; TestKeysThatAreSkipped refuses RSA below 2048 bits"},
		{text: "3.6 no compression", token: key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"JWT","zip":"DEF"}`, payload), want: introspect.ErrMalformed},
		{text: "3.7 UTF-8", token: of(claims(at, ",\"aud\":\"orders\",\"x\":\"\xff\"")), want: introspect.ErrMalformed},
		{text: "3.8 keys belong to the issuer", token: other.token(payload), want: introspect.ErrKey},
		{text: "3.8 issuer", token: of(fmt.Sprintf(`{"iss":"https://evil.example","aud":"orders","exp":%d}`, at.Unix()+9)), want: introspect.ErrUnknownIssuer},
		{text: "3.8 subject", met: "a caller is issuer and subject together (exchange.Caller); sub that is no string is refused, TestRefuses"},
		{text: "3.9 aud is there", token: of(claims(at, "")), want: introspect.ErrClaims},
		{text: "3.9 aud is this one", met: "gateway/policy/identify for each request; an audience that is unchecked or not required is a fault (profile.bad.yaml)"},
		{text: "3.10 kid is only looked up", token: key.sign(`{"alg":"RS256","typ":"JWT","kid":"' or 1=1 --"}`, payload), want: introspect.ErrKey},
		{text: "3.10 jku is not fetched", token: other.sign(`{"alg":"RS256","typ":"JWT","kid":"rsa-1","jku":"https://evil.example"}`, payload), want: introspect.ErrKey},
		{text: "3.10 x5u is not fetched", token: other.sign(`{"alg":"RS256","typ":"JWT","kid":"rsa-0","x5u":"https://evil.example"}`, payload), want: introspect.ErrSignature},
		{text: "3.11 explicit typing", token: key.sign(`{"alg":"RS256","kid":"rsa-0"}`, payload), want: introspect.ErrMalformed},
		{text: "3.12 another kind of JWT", token: key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"secevent+jwt"}`, payload), want: introspect.ErrMalformed},
	})
}

func TestProfileRFC8725WantsOneAlgorithmForEachKey(t *testing.T) {
	server := withFile(setOf(rsaSigner(0)))
	server.Local.Profile = []string{"rfc8725"}
	rules := introspect.Rules{Servers: []config.AuthServer{server}, Tokens: defaults}
	_, err := introspect.New(rules, nil, zap.NewNop())
	if err == nil || !strings.Contains(err.Error(), `local_introspection.algorithms: profile rfc8725 allows one algorithm for each key`) {
		t.Errorf("a file: %v", err)
	}
	remote := withURL()
	remote.Local.Profile = []string{"rfc8725"}
	keep(t, newIDP(rsaSigner(0)), remote, func(t *testing.T, _ *introspect.Set, view introspect.Introspector) {
		payload := claims(time.Now(), `,"aud":"orders"`)
		if err := judge(view, rsaSigner(0).token(payload)); !errors.Is(err, introspect.ErrAlgorithm) {
			t.Errorf("an address: %v", err)
		}
	})
}

func TestRequiredClaimsAndLifetime(t *testing.T) {
	server := withFile(setOf(edSigner()))
	server.Local.RequiredClaims = []string{"tenant", "https://example.com/a.b"}
	server.Local.MaxLifetime = config.Duration(10 * time.Minute)
	_, view := open(t, server)
	payload := func(exp, extra string) string {
		return fmt.Sprintf(`{"iss":%q,"tenant":"t","https://example.com/a.b":0,"exp":%d%s}`, issuer, at.Unix()+map[string]int64{
			"": 600, "with skew": 630, "beyond": 631, "late": 300,
		}[exp], extra)
	}
	iat := func(ago int64) string { return fmt.Sprintf(`,"iat":%d`, at.Unix()-ago) }
	tests := []struct {
		name, payload string
		want          error
	}{
		{"all", payload("", ""), nil},
		{"no tenant", strings.Replace(payload("", ""), "tenant", "tenent", 1), introspect.ErrClaims},
		{"tenant empty", strings.Replace(payload("", ""), `"t"`, `""`, 1), introspect.ErrClaims},
		{"tenant null", strings.Replace(payload("", ""), `"t"`, `null`, 1), introspect.ErrClaims},
		{"tenant false", strings.Replace(payload("", ""), `"t"`, `false`, 1), nil},
		{"no address", strings.Replace(payload("", ""), "a.b", "a-b", 1), introspect.ErrClaims},
		{"ten minutes and the skew from now", payload("with skew", ""), nil},
		{"more, without iat", payload("beyond", ""), introspect.ErrClaims},
		{"ten minutes from iat", payload("", iat(0)), nil},
		{"more from iat", payload("", iat(1)), introspect.ErrClaims},
		{"more from iat, though it soon ends", payload("late", iat(301)), introspect.ErrClaims},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := judgeAt(view, edSigner().token(tt.payload)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestClockSkewOfEachAuthServer(t *testing.T) {
	wide, none := withFile(setOf(edSigner())), withFile(setOf(edSigner()))
	none.Name, none.Issuer.Value = "none", "https://none.example"
	two, zero := config.Duration(2*time.Minute), config.None
	wide.Local.ClockSkew, none.Local.ClockSkew = &two, &zero
	_, view := open(t, wide, none)
	for _, tt := range []struct {
		issuer string
		ago    int64
		want   error
	}{
		{issuer, 119, nil},
		{issuer, 120, introspect.ErrExpired},
		{"https://none.example", -1, nil},
		{"https://none.example", 0, introspect.ErrExpired},
	} {
		token := edSigner().token(fmt.Sprintf(`{"iss":%q,"exp":%d}`, tt.issuer, at.Unix()-tt.ago))
		if err := judgeAt(view, token); !errors.Is(err, tt.want) {
			t.Errorf("%s, %d s ago: %v", tt.issuer, tt.ago, err)
		}
	}
}
