package introspect_test

import (
	"strings"

	"postern/introspect"
)

// headers demand what is not understood, or say what the token is not.
func (a *attacker) headers() []attack {
	good, payload, with := a.good, a.payload, a.with
	return []attack{
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

		{"crit of what is understood", with(`,"crit":["alg"]`), introspect.ErrMalformed},
		{"crit a string", with(`,"crit":"exp"`), introspect.ErrMalformed},
		{"crit null", with(`,"crit":null`), introspect.ErrMalformed},
		{"b64 true", with(`,"b64":true`), introspect.ErrMalformed},
		{"B64", with(`,"B64":false`), introspect.ErrMalformed},
		{"zip", with(`,"zip":"DEF"`), introspect.ErrMalformed},
		{"enc", with(`,"enc":"A128GCM"`), introspect.ErrMalformed},
		{"cty JWT", with(`,"cty":"JWT"`), introspect.ErrMalformed},
		{"cty application/jwt", with(`,"cty":"application/jwt"`), introspect.ErrMalformed},
		{"cty a number", with(`,"cty":1`), introspect.ErrMalformed},
		{"a token in the payload", good.sign(`{"alg":"RS256","kid":"rsa-0","cty":"JWT"}`, a.valid), introspect.ErrMalformed},
		{"a token for payload, without cty", good.sign(good.header(), a.valid), introspect.ErrMalformed},
		{"typ of an identity assertion", with(`,"typ":"oauth-id-jag+jwt"`), introspect.ErrMalformed},
		{"typ of an event", with(`,"typ":"secevent+jwt"`), introspect.ErrMalformed},
		{"typ of an authorization request", with(`,"typ":"oauth-authz-req+jwt"`), introspect.ErrMalformed},
		{"typ JOSE+JSON", with(`,"typ":"JOSE+JSON"`), introspect.ErrMalformed},
		{"typ with a parameter", with(`,"typ":"JWT;a=b"`), introspect.ErrMalformed},
		{"typ with application/ twice", with(`,"typ":"application/application/jwt"`), introspect.ErrMalformed},
		{"typ null", with(`,"typ":null`), introspect.ErrMalformed},
		{"TYP beside typ", with(`,"typ":"JWT","TYP":"x"`), introspect.ErrMalformed},
		{"x5t a list", with(`,"x5t":["x"]`), introspect.ErrMalformed},
		{"header null", good.sign(`null`, payload), introspect.ErrMalformed},
		{"header a string", good.sign(`"RS256"`, payload), introspect.ErrMalformed},
		{"header empty object", good.sign(`{}`, payload), introspect.ErrAlgorithm},
		{"header nested too deep", with(`,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), introspect.ErrMalformed},
		{"header with invalid UTF-8", with(",\"x\":\"\xff\""), introspect.ErrMalformed},
		{"iss in the header only", good.sign(`{"alg":"RS256","kid":"rsa-0","iss":"`+issuer+`"}`, `{"exp":1900000000}`), introspect.ErrUnknownIssuer},
	}
}
