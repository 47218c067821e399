package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"postern/introspect"
	"postern/provisioning/config"
)

var at = time.Unix(1_800_000_000, 0)

func now() time.Time { return at }

func TestAccepts(t *testing.T) {
	key, ec, ed := rsaSigner(0), ecSigner(), edSigner()
	_, view := open(t, withFile(setOf(key, ec, ed)))
	payload := claims(at, "")
	tests := []struct{ name, token string }{
		{"RS256", key.token(payload)},
		{"RS384", key.as("RS384").token(payload)},
		{"RS512", key.as("RS512").token(payload)},
		{"PS256", key.as("PS256").token(payload)},
		{"PS384", key.as("PS384").token(payload)},
		{"PS512", key.as("PS512").token(payload)},
		{"ES256", ec.token(payload)},
		{"EdDSA", ed.token(payload)},
		{"no typ", key.sign(`{"alg":"RS256","kid":"rsa-0"}`, payload)},
		{"typ in lower case", key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"jwt"}`, payload)},
		{"typ at+jwt", key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"at+jwt"}`, payload)},
		{"typ with application/", key.sign(`{"alg":"RS256","kid":"rsa-0","typ":"Application/AT+JWT"}`, payload)},
		{"no kid, one key fits", ec.sign(`{"alg":"ES256"}`, payload)},
		{"empty kid", ec.sign(`{"alg":"ES256","kid":""}`, payload)},
		{"white space in JSON", key.sign("{ \"alg\" :\n\"RS256\",\t\"kid\":\"rsa-0\"\r}", " "+payload+" ")},
		{"expired within the skew", key.token(fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, at.Unix()-29))},
		{"nbf and iat within the skew", key.token(claims(at, `,"nbf":1800000030,"iat":1800000030`))},
		{"exp with a fraction", key.token(fmt.Sprintf(`{"iss":%q,"exp":1800000000.5}`, issuer))},
		{"exp with an exponent", key.token(fmt.Sprintf(`{"iss":%q,"exp":1.9e9}`, issuer))},
		{"aud of no one", key.token(claims(at, `,"aud":[]`))},
		{"claims of every kind", key.token(claims(at, `,"a":[1,-2.5e3,true,false,null,{"b":{}},[]],"c":"\u00e9\ud83d\ude00\n"`))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := view.Introspect(context.Background(), tt.token, at); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnIssuersKeysVerifyItsOwnTokensOnly(t *testing.T) {
	mine, theirs := withFile(setOf(rsaSigner(0))), withFile(setOf(rsaSigner(1)))
	theirs.Name, theirs.Issuer.Value = "partner", "https://partner.example"
	set, both := open(t, mine, theirs)
	token := rsaSigner(1).token(claims(at, ""))
	if _, err := both.Introspect(context.Background(), token, at); !errors.Is(err, introspect.ErrKey) {
		t.Errorf("partner's key vouches for %s: %v", issuer, err)
	}
	partners := rsaSigner(1).token(fmt.Sprintf(`{"iss":"https://partner.example","exp":%d}`, at.Unix()+60))
	if _, err := both.Introspect(context.Background(), partners, at); err != nil {
		t.Errorf("partner's token: %v", err)
	}
	// Cached by one API, it says nothing to an API that does not believe partner.
	only := viewOf(t, set, mine)
	if _, err := only.Introspect(context.Background(), partners, at); !errors.Is(err, introspect.ErrUnknownIssuer) {
		t.Errorf("API without partner: %v", err)
	}
}

// Two issuers may call different keys the same, and each is asked about its own
// tokens only, whatever is cached.
func TestTwoIssuersWithOneKid(t *testing.T) {
	mineBy, theirsBy := signer{"k", "RS256", rsaKeys()[0]}, signer{"k", "RS256", rsaKeys()[1]}
	mine, theirs := withFile(setOf(mineBy)), withFile(setOf(theirsBy))
	theirs.Name, theirs.Issuer.Value = "partner", partners
	set, both := open(t, mine, theirs)
	onlyMine, onlyTheirs := viewOf(t, set, mine), viewOf(t, set, theirs)
	ours, partner := claims(at, ""), fmt.Sprintf(`{"iss":%q,"exp":%d}`, partners, at.Unix()+60)
	for _, when := range []string{"first", "cached"} {
		for _, tt := range []struct {
			name  string
			view  introspect.Introspector
			token string
			want  error
		}{
			{"mine, of both", both, mineBy.token(ours), nil},
			{"theirs, of both", both, theirsBy.token(partner), nil},
			{"mine by their key", both, theirsBy.token(ours), introspect.ErrSignature},
			{"theirs by my key", both, mineBy.token(partner), introspect.ErrSignature},
			{"theirs, where only mine are believed", onlyMine, theirsBy.token(partner), introspect.ErrUnknownIssuer},
			{"mine, where only theirs are believed", onlyTheirs, mineBy.token(ours), introspect.ErrUnknownIssuer},
		} {
			if _, err := tt.view.Introspect(context.Background(), tt.token, at); !errors.Is(err, tt.want) {
				t.Errorf("%s, %s: %v, want %v", tt.name, when, err, tt.want)
			}
		}
	}
	if hits := set.CacheStats().Hits; hits != 2 {
		t.Errorf("%d found in the cache, want the two valid ones", hits)
	}
}

// What a token holds is quoted in the log, and its sender does not say how long
// the log's lines are.
func TestReasonsAreShort(t *testing.T) {
	s, long := rsaSigner(0), strings.Repeat("x", 8<<10)
	_, view := open(t, withFile(setOf(s)))
	for _, token := range []string{
		s.sign(`{"alg":"`+long+`"}`, claims(now(), "")),
		s.sign(`{"alg":"RS256","typ":"`+long+`"}`, claims(now(), "")),
		s.token(`{"iss":"` + long + `"}`),
	} {
		if err := judge(view, token); err == nil || len(err.Error()) > 400 {
			t.Errorf("refused with %.500v", err)
		}
	}
}

func TestIssuerUnchecked(t *testing.T) {
	server := withFile(setOf(rsaSigner(0)))
	server.Issuer = config.Issuer{Unchecked: true}
	set, view := open(t, server)
	for _, payload := range []string{`{"exp":1900000000}`, `{"iss":"anyone","exp":1900000000}`} {
		if _, err := view.Introspect(context.Background(), rsaSigner(0).token(payload), at); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if err := judge(view, rsaSigner(1).token(`{"exp":1900000000}`)); !errors.Is(err, introspect.ErrKey) {
		t.Errorf("foreign key: %v", err)
	}
	if _, err := set.For(introspect.Accepts{Servers: []string{"corp", "corp"}, JWT: true}); err == nil {
		t.Error("accepted beside another auth server")
	}
}
