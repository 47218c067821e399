package invocationlog

import (
	"net/url"
	"strings"
	"unsafe"

	"postern/gateway/exchange"
)

// secrets are what a caller has presented. They borrow the request's memory.
type secrets [3]string

// noteSecrets keeps what the caller has presented, before anything can have put it
// elsewhere.
func (r *record) noteSecrets(x *exchange.Exchange) {
	authorization := x.Presented.Authorization
	if authorization == nil {
		authorization = x.Head.Get("Authorization")
	}
	_, credentials, _ := strings.Cut(borrowed(authorization), " ")
	r.secrets = secrets{x.Presented.Token, x.Presented.Key, credentials}
}

// without is text in which nothing stands that the caller has presented, wherever
// a policy or the upstream has put it.
func (s *secrets) without(text []byte) []byte {
	for _, secret := range s {
		if secret == "" {
			continue
		}
		if strings.Contains(borrowed(text), secret) {
			text = []byte(strings.ReplaceAll(string(text), secret, hidden))
		}
		if escaped := url.QueryEscape(secret); len(escaped) != len(secret) && strings.Contains(borrowed(text), escaped) {
			text = []byte(strings.ReplaceAll(string(text), escaped, hidden))
		}
	}
	return text
}

// borrowed is b as a string, while nobody changes it.
func borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
