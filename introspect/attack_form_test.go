package introspect_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"postern/introspect"
)

// forms are not three segments, or of no use as such.
func (a *attacker) forms() []attack {
	good, valid, segments := a.good, a.valid, a.segments
	return []attack{
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

		{"signature stripped, with its dot", segments[0] + "." + segments[1], introspect.ErrMalformed},
		{"a dot before", "." + valid, introspect.ErrMalformed},
		{"a dot after", valid + ".", introspect.ErrMalformed},
		{"two dots between", segments[0] + ".." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"two tokens in one", valid + "." + valid, introspect.ErrMalformed},
		{"two tokens with a space", valid + " " + valid, introspect.ErrMalformed},
		{"two tokens with a comma", valid + "," + valid, introspect.ErrMalformed},
		{"JSON serialisation, flattened", `{"protected":"` + segments[0] + `","payload":"` + segments[1] + `","signature":"` + segments[2] + `"}`, introspect.ErrMalformed},
		{"JSON serialisation, general", `{"payload":"` + segments[1] + `","signatures":[{"protected":"` + segments[0] + `","signature":"` + segments[2] + `"}]}`, introspect.ErrMalformed},
		{"encrypted, five segments", b64(`{"alg":"dir","enc":"A128GCM"}`) + "..AAAA.AAAA.AAAA", introspect.ErrMalformed},
		{"encrypted, said in three segments", b64(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"rsa-0"}`) + "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"detached payload", segments[0] + ".." + segments[2], introspect.ErrMalformed},
		{"SD-JWT with disclosures", valid + "~WyJhIl0~", introspect.ErrMalformed},
		{"segments swapped", segments[1] + "." + segments[0] + "." + segments[2], introspect.ErrUnknownIssuer},
		{"16 MiB of dots", strings.Repeat(".", 16<<20), introspect.ErrMalformed},
		{"as long as is read, and no token", strings.Repeat("A", 16<<10), introspect.ErrMalformed},
		{"a byte too long", strings.Repeat("A", 16<<10-3) + ".A.A", introspect.ErrMalformed},
		{"a header as long as is read", b64(`{"alg":"RS256","x":"`+strings.Repeat("x", 11<<10)+`"}`) + ".e30.AAAA", introspect.ErrUnknownIssuer},
		{"Bearer before it", "Bearer " + valid, introspect.ErrMalformed},
	}
}

// encodings write a valid token in another way.
func (a *attacker) encodings() []attack {
	good, ec, payload := a.good, a.ec, a.payload
	valid, segments := a.valid, a.segments
	return []attack{
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

		{"padding in the header", segments[0] + "=." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"padding in the payload", segments[0] + "." + segments[1] + "==." + segments[2], introspect.ErrMalformed},
		{"line end in the header", segments[0][:4] + "\n" + segments[0][4:] + "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"NUL at the end", valid + "\x00", introspect.ErrMalformed},
		{"tab inside", segments[0] + ".\t" + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"no-break space at the end", valid + "\u00a0", introspect.ErrMalformed},
		{"zero width space inside", segments[0] + ".\u200b" + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"full width dot", segments[0] + "\uff0e" + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"percent escapes of letters", "%65" + valid[1:], introspect.ErrMalformed},
		{"plain base64 header", "+" + segments[0][1:] + "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"spare bits in the header", spareBits(b64(good.header()+" ")) + "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"spare bits in the payload", segments[0] + "." + spareBits(b64(payload+spaces(payload, 1))) + "." + segments[2], introspect.ErrMalformed},
		{"a character alone in a segment", segments[0] + "." + segments[1] + "." + segments[2] + "AAA", introspect.ErrMalformed},
		{"letters in another case", strings.ToUpper(segments[0]) + "." + segments[1] + "." + segments[2], introspect.ErrMalformed},
		{"signature with a byte more", segments[0] + "." + segments[1] + "." + withByte(segments[2]), introspect.ErrSignature},
		{"signature doubled", segments[0] + "." + segments[1] + "." + doubled(segments[2]), introspect.ErrSignature},
		{"signature in hexadecimal", segments[0] + "." + segments[1] + "." + strings.Repeat("0f", 256), introspect.ErrSignature},
		{"signature of the header alone", segments[0] + "." + segments[1] + "." + strings.Split(good.sign(good.header(), "{}"), ".")[2], introspect.ErrSignature},
		{"the payload in UTF-16", good.token(utf16Text(payload)), introspect.ErrMalformed},
		{"the header in UTF-16", good.sign(utf16Text(good.header()), payload), introspect.ErrMalformed},
		{"a byte order mark before the payload", good.token("\ufeff" + payload), introspect.ErrMalformed},
		{"a byte order mark before the header", good.sign("\ufeff"+good.header(), payload), introspect.ErrMalformed},
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

// spaces are as many as make text and n bytes more a multiple of three.
func spaces(text string, n int) string { return strings.Repeat(" ", (2*3+n-len(text)%3)%3) }

func withByte(segment string) string {
	return b64(string(must(base64.RawURLEncoding.DecodeString(segment))) + "\x00")
}

func doubled(segment string) string {
	signature := string(must(base64.RawURLEncoding.DecodeString(segment)))
	return b64(signature + signature)
}

// utf16Text is text as some readers of JSON accept it.
func utf16Text(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}
