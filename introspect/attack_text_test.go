package introspect_test

import (
	"strings"

	"postern/introspect"
)

// texts are signed, and are not the JSON that all readers read alike.
func (a *attacker) texts() []attack {
	good, payload, of := a.good, a.payload, a.of
	return []attack{
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

		{"payload a list", good.token(`[` + payload + `]`), introspect.ErrMalformed},
		{"payload a number", good.token(`1`), introspect.ErrMalformed},
		{"two payloads", good.token(payload + payload), introspect.ErrMalformed},
		{"payload of spaces", good.token(`   `), introspect.ErrMalformed},
		{"exp twice", of(`,"exp":99999999999`), introspect.ErrMalformed},
		{"iss twice", of(`,"iss":"https://evil.example"`), introspect.ErrMalformed},
		{"sub twice, once escaped", of(`,"\u0073ub":"admin"`), introspect.ErrMalformed},
		{"aud twice, the second in a list", of(`,"aud":"a","aud":["b"]`), introspect.ErrMalformed},
		{"a claim of no name twice", of(`,"":1,"":2`), introspect.ErrMalformed},
		{"Iss beside iss", of(`,"Iss":"https://evil.example"`), introspect.ErrClaims},
		{"AUD beside aud", of(`,"aud":"x","AUD":"orders"`), introspect.ErrClaims},
		{"NBF alone", of(`,"NBF":1`), introspect.ErrClaims},
		{"IAT alone", of(`,"IAT":1`), introspect.ErrClaims},
		{"a low surrogate alone", of(`,"x":"\udc00"`), introspect.ErrMalformed},
		{"surrogates in the wrong order", of(`,"x":"\udc00\ud800"`), introspect.ErrMalformed},
		{"a surrogate as a claim's name", of(`,"\ud800":1`), introspect.ErrMalformed},
		{"a surrogate in UTF-8", of(",\"x\":\"\xed\xa0\x80\""), introspect.ErrMalformed},
		{"overlong UTF-8", of(",\"x\":\"\xc0\xaf\""), introspect.ErrMalformed},
		{"UTF-8 cut off", of(",\"x\":\"\xe2\x82\""), introspect.ErrMalformed},
		{"beyond Unicode", of(",\"x\":\"\xf4\x90\x80\x80\""), introspect.ErrMalformed},
		{"a line end in a string", of(",\"x\":\"\n\""), introspect.ErrMalformed},
		{"an escape that JSON has not", of(`,"x":"\x41"`), introspect.ErrMalformed},
		{"an escape cut off", of(`,"x":"\u00"`), introspect.ErrMalformed},
		{"single quotes", of(`,'x':1`), introspect.ErrMalformed},
		{"a name without quotes", of(`,x:1`), introspect.ErrMalformed},
		{"undefined", of(`,"x":undefined`), introspect.ErrMalformed},
		{"True", of(`,"x":True`), introspect.ErrMalformed},
		{"Infinity", of(`,"x":Infinity`), introspect.ErrMalformed},
		{"a list that is not closed", of(`,"x":[1`), introspect.ErrMalformed},
		{"a list with a comma at its end", of(`,"x":[1,]`), introspect.ErrMalformed},
		{"objects nested too deep", of(`,"x":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)), introspect.ErrMalformed},
		{"a number with two dots", of(`,"x":1.2.3`), introspect.ErrMalformed},
		{"a number that ends with e", of(`,"x":1e`), introspect.ErrMalformed},
		{"form feed for space", of("\f,\"x\":1"), introspect.ErrMalformed},
	}
}
