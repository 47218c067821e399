package introspect_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
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

func TestRefuses(t *testing.T) {
	good, other, ec := rsaSigner(0), rsaSigner(1), ecSigner()
	_, view := open(t, withFile(setOf(good, ec)))
	payload := claims(at, "")
	valid := good.token(payload)
	segments := strings.Split(valid, ".")
	// with is a signed token with that header, of with these claims.
	with := func(members string) string {
		return good.sign(`{"alg":"RS256","kid":"rsa-0"`+members+`}`, payload)
	}
	of := func(members string) string { return good.token(claims(at, members)) }
	dated := func(exp string) string {
		return good.token(fmt.Sprintf(`{"iss":%q,"exp":%s}`, issuer, exp))
	}
	none := func(alg string) string {
		return b64(fmt.Sprintf(`{"alg":%q,"kid":"rsa-0"}`, alg)) + "." + segments[1] + "."
	}

	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"empty", "", introspect.ErrMalformed},
		{"no dot", "abc", introspect.ErrMalformed},
		{"two segments", segments[0] + "." + segments[1], introspect.ErrMalformed},
		{"four segments", valid + "." + segments[2], introspect.ErrMalformed},
		{"five segments, as encrypted ones have", valid + ".a.b", introspect.ErrMalformed},
		{"only dots", "..", introspect.ErrMalformed},
		{"many dots", strings.Repeat(".", 10000), introspect.ErrMalformed},
		{"empty header", "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"empty payload", segments[0] + ".." + segments[2], introspect.ErrMalformed},
		{"empty signature", segments[0] + "." + segments[1] + ".", introspect.ErrSignature},
		{"too long", good.token(claims(at, `,"x":"`+strings.Repeat("x", 17<<10)+`"`)), introspect.ErrMalformed},
		{"garbage", strings.Repeat("\x00\xff", 100), introspect.ErrMalformed},

		{"alg none", none("none"), introspect.ErrAlgorithm},
		{"alg None", none("None"), introspect.ErrAlgorithm},
		{"alg NONE", none("NONE"), introspect.ErrAlgorithm},
		{"alg nOnE", none("nOnE"), introspect.ErrAlgorithm},
		{"alg none with a signature", none("none") + segments[2], introspect.ErrAlgorithm},
		{"alg empty", none(""), introspect.ErrAlgorithm},
		{"no alg", good.sign(`{"kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg null", good.sign(`{"alg":null,"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg a number", good.sign(`{"alg":256,"kid":"rsa-0"}`, payload), introspect.ErrMalformed},
		{"alg in lower case", good.sign(`{"alg":"rs256","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg unknown", good.sign(`{"alg":"RS257","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"alg of encryption", good.sign(`{"alg":"RSA-OAEP","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"HS256 with the public key as secret", hs256(`{"alg":"HS256","kid":"rsa-0"}`, payload, publicPEM(good)), introspect.ErrAlgorithm},
		{"HS256 with an empty secret", hs256(`{"alg":"HS256","kid":"rsa-0"}`, payload, nil), introspect.ErrAlgorithm},
		{"RS256 claimed, HS256 made", hs256(good.header(), payload, publicPEM(good)), introspect.ErrSignature},
		{"ES256 with an RSA key's kid", ec.sign(`{"alg":"ES256","kid":"rsa-0"}`, payload), introspect.ErrAlgorithm},
		{"RS512 claimed, RS256 made", good.sign(`{"alg":"RS512","kid":"rsa-0"}`, payload), introspect.ErrSignature},
		{"PS256 claimed, RS256 made", good.sign(`{"alg":"PS256","kid":"rsa-0"}`, payload), introspect.ErrSignature},

		{"other key under a known kid", signer{"rsa-0", "RS256", other.private}.token(payload), introspect.ErrSignature},
		{"unknown kid", other.token(payload), introspect.ErrKey},
		{"kid a path", good.sign(`{"alg":"RS256","kid":"../../dev/null"}`, payload), introspect.ErrKey},
		{"kid an injection", good.sign(`{"alg":"RS256","kid":"' or 1=1 --"}`, payload), introspect.ErrKey},
		{"kid in another case", good.sign(`{"alg":"RS256","kid":"RSA-0"}`, payload), introspect.ErrKey},
		{"kid a number", good.sign(`{"alg":"RS256","kid":0}`, payload), introspect.ErrMalformed},
		{"kid null", good.sign(`{"alg":"RS256","kid":null}`, payload), introspect.ErrMalformed},
		{"kid too long", good.sign(`{"alg":"RS256","kid":"`+strings.Repeat("k", 600)+`"}`, payload), introspect.ErrMalformed},
		{"no kid, other key", signer{"", "RS256", other.private}.sign(`{"alg":"RS256"}`, payload), introspect.ErrSignature},
		{"own key in jwk", other.sign(`{"alg":"RS256","jwk":`+other.jwk("")+`}`, payload), introspect.ErrSignature},
		{"own keys at jku", other.sign(`{"alg":"RS256","kid":"rsa-1","jku":"https://evil.example/certs"}`, payload), introspect.ErrKey},
		{"own key at x5u", other.sign(`{"alg":"RS256","x5u":"https://evil.example/cert"}`, payload), introspect.ErrSignature},
		{"own certificate in x5c", other.sign(`{"alg":"RS256","x5c":["MIIB"]}`, payload), introspect.ErrSignature},

		{"crit unknown", with(`,"crit":["exp2"],"exp2":1`), introspect.ErrMalformed},
		{"crit empty", with(`,"crit":[]`), introspect.ErrMalformed},
		{"crit b64", with(`,"crit":["b64"],"b64":false`), introspect.ErrMalformed},
		{"b64 alone", with(`,"b64":false`), introspect.ErrMalformed},
		{"Crit", with(`,"Crit":["x"]`), introspect.ErrMalformed},
		{"typ of a DPoP proof", with(`,"typ":"dpop+jwt"`), introspect.ErrMalformed},
		{"typ of a logout token", with(`,"typ":"application/logout+jwt"`), introspect.ErrMalformed},
		{"typ empty", with(`,"typ":""`), introspect.ErrMalformed},
		{"typ a list", with(`,"typ":["JWT"]`), introspect.ErrMalformed},
		{"alg twice", with(`,"alg":"none"`), introspect.ErrMalformed},
		{"alg twice, once escaped", with(`,"\u0061lg":"none"`), introspect.ErrMalformed},
		{"ALG beside alg", with(`,"ALG":"none"`), introspect.ErrMalformed},
		{"header a list", good.sign(`["RS256"]`, payload), introspect.ErrMalformed},
		{"header cut off", good.sign(`{"alg":"RS256"`, payload), introspect.ErrMalformed},
		{"text after the header", good.sign(good.header()+`{}`, payload), introspect.ErrMalformed},

		{"newline in the signature", valid[:len(valid)-5] + "\n" + valid[len(valid)-5:], introspect.ErrMalformed},
		{"newline at the end", valid + "\n", introspect.ErrMalformed},
		{"carriage return in the payload", segments[0] + "." + segments[1][:4] + "\r" + segments[1][4:] + "." + segments[2], introspect.ErrMalformed},
		{"space before", " " + valid, introspect.ErrMalformed},
		{"padding", valid + "=", introspect.ErrMalformed},
		{"spare bits in the signature", spareBits(valid), introspect.ErrMalformed},
		{"plain base64 signature", segments[0] + "." + segments[1] + "." + plain(segments[2]), introspect.ErrMalformed},
		{"percent escape", strings.Replace(valid, ".", "%2e", 1), introspect.ErrMalformed},
		{"signature of another token", segments[0] + "." + b64(claims(at, `,"admin":true`)) + "." + segments[2], introspect.ErrSignature},
		{"signature cut short", segments[0] + "." + segments[1] + "." + segments[2][:8], introspect.ErrSignature},
		{"signature with a zero before", segments[0] + "." + segments[1] + "." + withZero(segments[2]), introspect.ErrSignature},
		{"signature in DER", derSigned(ec, payload), introspect.ErrSignature},
		{"signature of zeros", b64(ec.header()) + "." + b64(payload) + "." + b64(strings.Repeat("\x00", 64)), introspect.ErrSignature},

		{"payload a string", good.token(`"alice"`), introspect.ErrMalformed},
		{"payload null", good.token(`null`), introspect.ErrMalformed},
		{"payload no JSON", good.token(`iss=x`), introspect.ErrMalformed},
		{"text after the payload", good.token(payload + ` x`), introspect.ErrMalformed},
		{"sub twice", of(`,"sub":"admin"`), introspect.ErrMalformed},
		{"member twice, deep inside", of(`,"a":[{"b":{"c":1,"c":2}}]`), introspect.ErrMalformed},
		{"SUB beside sub", of(`,"SUB":"admin"`), introspect.ErrClaims},
		{"sub with a long s", of(`,"ſub":"admin"`), introspect.ErrClaims},
		{"Exp beside exp", of(`,"Exp":99999999999`), introspect.ErrClaims},
		{"invalid UTF-8", of(",\"x\":\"\xff\""), introspect.ErrMalformed},
		{"half a surrogate pair", of(`,"x":"\ud800"`), introspect.ErrMalformed},
		{"NUL in a string", of(",\"x\":\"\x00\""), introspect.ErrMalformed},
		{"nested too deep", of(`,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), introspect.ErrMalformed},
		{"comment", of(`/**/`), introspect.ErrMalformed},
		{"comma at the end", of(`,`), introspect.ErrMalformed},

		{"no iss", good.token(fmt.Sprintf(`{"exp":%d}`, at.Unix()+9)), introspect.ErrUnknownIssuer},
		{"iss of a stranger", good.token(fmt.Sprintf(`{"iss":"https://evil.example","exp":%d}`, at.Unix()+9)), introspect.ErrUnknownIssuer},
		{"iss with a slash more", good.token(fmt.Sprintf(`{"iss":"%s/","exp":%d}`, issuer, at.Unix()+9)), introspect.ErrUnknownIssuer},
		{"iss in another case", good.token(fmt.Sprintf(`{"iss":%q,"exp":%d}`, strings.ToUpper(issuer), at.Unix()+9)), introspect.ErrUnknownIssuer},
		{"iss a list", good.token(fmt.Sprintf(`{"iss":[%q],"exp":%d}`, issuer, at.Unix()+9)), introspect.ErrClaims},
		{"sub a number", good.token(fmt.Sprintf(`{"iss":%q,"sub":1,"exp":%d}`, issuer, at.Unix()+9)), introspect.ErrClaims},
		{"jti an object", of(`,"jti":{}`), introspect.ErrClaims},
		{"aud a number", of(`,"aud":1`), introspect.ErrClaims},
		{"aud null", of(`,"aud":null`), introspect.ErrClaims},
		{"aud a list with a number", of(`,"aud":["orders",1]`), introspect.ErrClaims},

		{"no exp", good.token(fmt.Sprintf(`{"iss":%q}`, issuer)), introspect.ErrClaims},
		{"exp past", dated("1799999000"), introspect.ErrExpired},
		{"exp past by just the skew", dated("1799999970"), introspect.ErrExpired},
		{"exp zero", dated("0"), introspect.ErrExpired},
		{"exp minus zero", dated("-0"), introspect.ErrExpired},
		{"exp negative", dated("-1"), introspect.ErrClaims},
		{"exp a string", dated(`"1900000000"`), introspect.ErrClaims},
		{"exp null", dated("null"), introspect.ErrClaims},
		{"exp true", dated("true"), introspect.ErrClaims},
		{"exp huge", dated("99999999999999999999"), introspect.ErrClaims},
		{"exp beyond every number", dated("1e999"), introspect.ErrClaims},
		{"exp in milliseconds", dated("1900000000000"), introspect.ErrClaims},
		{"exp of many digits", dated("1900000000." + strings.Repeat("0", 40)), introspect.ErrClaims},
		{"exp NaN", dated("NaN"), introspect.ErrMalformed},
		{"exp hexadecimal", dated("0x7fffffff"), introspect.ErrMalformed},
		{"exp with a plus", dated("+1900000000"), introspect.ErrMalformed},
		{"exp with a zero before", dated("01900000000"), introspect.ErrMalformed},
		{"nbf to come", of(`,"nbf":1800000031`), introspect.ErrNotYetValid},
		{"nbf a string", of(`,"nbf":"1"`), introspect.ErrClaims},
		{"iat to come", of(`,"iat":1800000031`), introspect.ErrNotYetValid},
		{"iat negative", of(`,"iat":-1`), introspect.ErrClaims},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // a refusal must not make the next one pass
				token, err := view.Introspect(context.Background(), tt.token, at)
				if !errors.Is(err, tt.want) || token != nil {
					t.Fatalf("got %v, %v; want %v", token, err, tt.want)
				}
			}
		})
	}
	if _, err := view.Introspect(context.Background(), valid, at); err != nil {
		t.Fatalf("the valid token they are made of: %v", err)
	}
}

// spareBits changes the bits of the last character that stand for nothing: 256
// bytes leave two of its six for the data.
func spareBits(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

// plain is a segment in the alphabet of ordinary base64, made to differ.
func plain(segment string) string {
	return strings.NewReplacer("-", "+", "_", "/").Replace("-" + segment[1:])
}

func withZero(segment string) string {
	return b64("\x00" + string(must(base64.RawURLEncoding.DecodeString(segment))))
}

// derSigned carries an ECDSA signature in the form of certificates.
func derSigned(s signer, payload string) string {
	text := b64(s.header()) + "." + b64(payload)
	digest := sha256.Sum256([]byte(text))
	return text + "." + b64(string(must(ecdsa.SignASN1(nil, s.private.(*ecdsa.PrivateKey), digest[:]))))
}

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
	if _, err := set.For("corp", "corp"); err == nil {
		t.Error("accepted beside another auth server")
	}
}
