package protocols_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/policy/protocols"
	"postern/gateway/problem"
)

func TestProtocols(t *testing.T) {
	for _, tt := range []struct {
		allowed         string
		secure, trusted bool
		proto           []string // X-Forwarded-Proto lines
		pass            bool
	}{
		{allowed: "http", pass: true},
		{allowed: "http", secure: true},
		{allowed: "https"},
		{allowed: "https", secure: true, pass: true},
		{allowed: "http https", pass: true},
		{allowed: "http https", secure: true, pass: true},
		{allowed: "https", proto: []string{"https"}},
		{allowed: "https", trusted: true, proto: []string{"https"}, pass: true},
		{allowed: "https", trusted: true, proto: []string{"HTTPS"}, pass: true},
		{allowed: "https", trusted: true, proto: []string{"http, https"}, pass: true},
		{allowed: "https", trusted: true, proto: []string{"https, http"}},
		{allowed: "https", trusted: true, proto: []string{"https", "http"}},
		{allowed: "https", trusted: true, secure: true, proto: []string{"http"}},
		{allowed: "https", trusted: true, secure: true, pass: true},
		{allowed: "http", trusted: true, proto: []string{"https"}},
	} {
		x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx), Secure: tt.secure, Trusted: tt.trusted}
		for _, value := range tt.proto {
			x.Head.Add("x-forwarded-proto", value)
		}
		passed := false
		err := protocols.New(strings.Fields(tt.allowed))(func(*exchange.Exchange) error { passed = true; return nil })(x)
		if passed != tt.pass || errors.Is(err, problem.ProtocolNotAllowed) == tt.pass {
			t.Errorf("%+v: passed %v, %v", tt, passed, err)
		}
	}
}
