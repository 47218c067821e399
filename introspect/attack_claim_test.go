package introspect_test

import (
	"fmt"
	"strings"

	"postern/introspect"
)

// issuers mix up whose token it is. The second auth server has another key
// under the same kid, the third a shared one.
func (a *attacker) issuers() []attack {
	theirs := fmt.Sprintf(`{"iss":%q,"exp":1900000000}`, partners)
	shared := `{"iss":"shared","exp":1900000000}`
	partner := signer{"rsa-0", "RS256", rsaKeys()[2]}
	return []attack{
		{"another issuer's key under the same kid", partner.token(a.payload), introspect.ErrSignature},
		{"our key under the same kid, for another issuer", a.good.token(theirs), introspect.ErrSignature},
		{"our curve for another issuer", a.ec.token(theirs), introspect.ErrKey},
		{"our curve for another issuer, without kid", a.ec.sign(`{"alg":"ES256"}`, theirs), introspect.ErrKey},
		{"another issuer's token with our signature", a.segments[0] + "." + b64(theirs) + "." + a.segments[2], introspect.ErrSignature},
		{"our token with another issuer's signature", a.segments[0] + "." + a.segments[1] + "." + strings.Split(partner.token(theirs), ".")[2], introspect.ErrSignature},
		{"a public key for the shared one's issuer", a.good.token(shared), introspect.ErrAlgorithm},
		{"the shared key for our issuer", hs256(`{"alg":"HS256"}`, a.payload, []byte(sharedByAll.Reveal())), introspect.ErrAlgorithm},
		{"a guessed shared key", hs256(`{"alg":"HS256"}`, shared, []byte("secret")), introspect.ErrSignature},
		{"an empty shared key", hs256(`{"alg":"HS256"}`, shared, nil), introspect.ErrSignature},
		{"the shared key's name for it", hs256(`{"alg":"HS256"}`, shared, []byte("shared")), introspect.ErrSignature},
		{"half of the shared key's signature", cut(hs256(`{"alg":"HS256"}`, shared, []byte(sharedByAll.Reveal())), 23), introspect.ErrSignature},
		{"none for the shared key's issuer", b64(`{"alg":"none"}`) + "." + b64(shared) + ".", introspect.ErrAlgorithm},
		{"issuers in a list, ours first", a.good.token(fmt.Sprintf(`{"iss":[%q,%q],"exp":1900000000}`, issuer, partners)), introspect.ErrClaims},
		{"issuers joined", a.good.token(fmt.Sprintf(`{"iss":"%s,%s","exp":1900000000}`, issuer, partners)), introspect.ErrUnknownIssuer},
		{"iss with user information", a.good.token(`{"iss":"https://idp.example.com@evil.example/main","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss with a default port", a.good.token(`{"iss":"https://idp.example.com:443/main","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss percent escaped", a.good.token(`{"iss":"https://idp.example.com/%6dain","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss with a NUL", a.good.token(`{"iss":"` + issuer + `\u0000","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss with Cyrillic letters", a.good.token(`{"iss":"https://idp.ex\u0430mple.com/main","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss with spaces", a.good.token(`{"iss":" ` + issuer + ` ","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss empty", a.good.token(`{"iss":"","exp":1900000000}`), introspect.ErrUnknownIssuer},
		{"iss null", a.good.token(`{"iss":null,"exp":1900000000}`), introspect.ErrClaims},
		{"iss an object", a.good.token(`{"iss":{},"exp":1900000000}`), introspect.ErrClaims},
	}
}

// claims are of the wrong kind.
func (a *attacker) claims() []attack {
	good, of := a.good, a.of
	return []attack{
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

		{"sub null", good.token(fmt.Sprintf(`{"iss":%q,"sub":null,"exp":1900000000}`, issuer)), introspect.ErrClaims},
		{"sub a list", good.token(fmt.Sprintf(`{"iss":%q,"sub":["admin"],"exp":1900000000}`, issuer)), introspect.ErrClaims},
		{"sub true", good.token(fmt.Sprintf(`{"iss":%q,"sub":true,"exp":1900000000}`, issuer)), introspect.ErrClaims},
		{"jti a number", of(`,"jti":1`), introspect.ErrClaims},
		{"aud true", of(`,"aud":true`), introspect.ErrClaims},
		{"aud an object", of(`,"aud":{"0":"orders"}`), introspect.ErrClaims},
		{"aud a list in a list", of(`,"aud":[["orders"]]`), introspect.ErrClaims},
		{"aud a list with null", of(`,"aud":["orders",null]`), introspect.ErrClaims},
		{"a payload of many small lists, too long", of(`,"x":[` + strings.Repeat("[],", 6000) + `[]]`), introspect.ErrMalformed},
	}
}

// dates are over, not yet begun, or none.
func (a *attacker) dates() []attack {
	good, of, dated := a.good, a.of, a.dated
	return []attack{
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

		{"exp infinite", dated("Infinity"), introspect.ErrMalformed},
		{"exp minus infinite", dated("-Infinity"), introspect.ErrMalformed},
		{"exp a list", dated("[1900000000]"), introspect.ErrClaims},
		{"exp an object", dated(`{"$gt":0}`), introspect.ErrClaims},
		{"exp a date as text", dated(`"2030-01-01T00:00:00Z"`), introspect.ErrClaims},
		{"exp beyond the year 9999", dated("253402300800"), introspect.ErrClaims},
		{"exp 2^63", dated("9223372036854775808"), introspect.ErrClaims},
		{"exp 2^64", dated("18446744073709551616"), introspect.ErrClaims},
		{"exp nearly nothing", dated("1e-400"), introspect.ErrExpired},
		{"exp with an exponent of thousands", dated("1e9999"), introspect.ErrClaims},
		{"exp a thousand digits", dated(strings.Repeat("9", 1000)), introspect.ErrClaims},
		{"exp a moment ago, with the skew", dated("1799999970.0"), introspect.ErrExpired},
		{"exp minus a fraction", dated("-0.5"), introspect.ErrClaims},
		{"exp with digits of another script", dated("١٩٠٠٠٠٠٠٠٠"), introspect.ErrMalformed},
		{"nbf huge", of(`,"nbf":1e300`), introspect.ErrClaims},
		{"nbf negative", of(`,"nbf":-1`), introspect.ErrClaims},
		{"nbf null", of(`,"nbf":null`), introspect.ErrClaims},
		{"nbf a list", of(`,"nbf":[]`), introspect.ErrClaims},
		{"nbf a fraction beyond the skew", of(`,"nbf":1800000030.5`), introspect.ErrNotYetValid},
		{"nbf in milliseconds", of(`,"nbf":1800000000000`), introspect.ErrClaims},
		{"iat a string", of(`,"iat":"1"`), introspect.ErrClaims},
		{"iat null", of(`,"iat":null`), introspect.ErrClaims},
		{"iat true", of(`,"iat":true`), introspect.ErrClaims},
		{"iat in milliseconds", of(`,"iat":1800000000000`), introspect.ErrClaims},
	}
}
