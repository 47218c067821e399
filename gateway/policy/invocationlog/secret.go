package invocationlog

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"unsafe"

	"postern/gateway/exchange"
)

// secrets are what a caller has presented. They borrow the request's memory.
type secrets struct {
	texts    [3]string
	said     string // credentials that nobody has judged
	password string // of basic authentication
}

// noteSecrets keeps what the caller has presented, before anything can have put it
// elsewhere.
func (r *record) noteSecrets(x *exchange.Exchange) {
	r.secrets = secrets{texts: [3]string{x.Presented.Token, x.Presented.Key, credentials(x.Presented.Authorization)}}
	if x.Presented.Authorization == nil {
		r.secrets.said = credentials(x.Head.Get("Authorization"))
	}
	r.notePassword(x)
}

// notePassword keeps the password itself, which may stand in a body as it is.
func (r *record) notePassword(x *exchange.Exchange) {
	authorization := x.Presented.Authorization
	if authorization == nil {
		authorization = x.Head.Get("Authorization")
	}
	scheme, encoded, _ := bytes.Cut(authorization, []byte{' '})
	if !bytes.EqualFold(scheme, []byte("basic")) {
		return
	}
	plain, err := base64.StdEncoding.AppendDecode(r.scratch.basic[:0], bytes.TrimSpace(encoded))
	r.scratch.basic = plain
	if _, password, found := bytes.Cut(plain, []byte{':'}); err == nil && found {
		r.secrets.password = borrowed(password)
	}
}

// credentials are an Authorization field without its scheme.
func credentials(authorization []byte) string {
	_, rest, _ := strings.Cut(borrowed(authorization), " ")
	return rest
}

// without is text in which nothing stands that the caller has presented, wherever
// a policy or the upstream has put it. What nobody has judged, and a password, is
// replaced by no more than its own length: one letter could make an event many times
// larger.
func (s *secrets) without(text []byte) []byte {
	for _, secret := range s.texts {
		text = conceal(text, secret, hidden)
	}
	text = conceal(text, s.said, hidden[:min(len(hidden), len(s.said))])
	return conceal(text, s.password, hidden[:min(len(hidden), len(s.password))])
}

// conceal is text with mask for a secret, as it is and as it stands in addresses.
func conceal(text []byte, secret, mask string) []byte {
	if secret == "" {
		return text
	}
	if strings.Contains(borrowed(text), secret) {
		text = []byte(strings.ReplaceAll(string(text), secret, mask))
	}
	if escaped := url.QueryEscape(secret); len(escaped) != len(secret) && strings.Contains(borrowed(text), escaped) {
		text = []byte(strings.ReplaceAll(string(text), escaped, mask))
	}
	return text
}

// borrowed is b as a string, while nobody changes it.
func borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
