package transform_test

import (
	"errors"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/policy/transform"
	"postern/gateway/problem"
	"postern/provisioning/config"
)

// A second type does not keep the body from being changed, for its reader may go by
// that.
func TestBodiesOfTwoTypes(t *testing.T) {
	h := policy(t, request(config.RequestStep{Body: &config.TransformBody{Remove: []string{"$.admin"}}}), nil)
	x := received(t, "POST", "/", "Content-Type: text/plain\r\nContent-Type: application/json\r\n", `{"admin":true,"a":1}`)
	if err := h(x); err != nil {
		t.Fatal(err)
	}
	m, err := message.New(1000, 1<<20).Request(&exchange.Exchange{HTTP: x.HTTP, Body: x.Body, Request: x.Request, Head: x.Head})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Raw()); got != `{"a":1}` {
		t.Errorf("sent %s", got)
	}
}

// What a condition looks at is bounded by how long its pattern takes.
func TestConditionsAreBounded(t *testing.T) {
	condition := config.Condition{Variable: "${request.payload}", Matches: "(a?){200}b{200}"}
	s := site()
	s.Bodies = message.New(1<<20, 1<<24)
	cfg := request(config.RequestStep{When: &config.TransformWhen{All: []config.Condition{condition}}, SetHeaders: set("X-Done", "1")})
	p, err := transform.New(&cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	h := p(func(*exchange.Exchange) error { return nil })
	if err := h(received(t, "POST", "/", "Content-Type: text/plain\r\n", strings.Repeat("a", 1<<20))); !errors.Is(err, problem.ContentTooLarge) {
		t.Errorf("error %v", err)
	}
	condition.Matches = "(((a?){1000})b{1000})"
	cfg = request(config.RequestStep{When: &config.TransformWhen{Any: []config.Condition{condition}}, SetHeaders: set("X-Done", "1")})
	if _, err := transform.New(&cfg, s); err == nil || err.Error() != "request[0].when.any[0].matches: too large a regular expression" {
		t.Errorf("error %v", err)
	}
}

// No caller asks for what answers go without by asking for a part of them.
func TestPartsOfChangedBodies(t *testing.T) {
	const asks = "Range: bytes=0-100\r\nIf-Range: \"x\"\r\n"
	for _, tt := range []struct {
		name string
		step config.ResponseStep
		want string
	}{
		{"a body is changed", config.ResponseStep{Body: &config.TransformBody{Remove: []string{"$.secret"}}}, ""},
		{"a field is set", config.ResponseStep{SetHeaders: set("X-Done", "1")}, "bytes=0-100"},
	} {
		x := received(t, "GET", "/", asks, "")
		forwarded := ""
		h := policy(t, config.Transform{Response: []config.ResponseStep{tt.step}}, func(x *exchange.Exchange) {
			forwarded = string(x.Head.Get("Range"))
			if (x.Head.Get("If-Range") == nil) != (forwarded == "") {
				t.Errorf("%s: If-Range %q", tt.name, x.Head.Get("If-Range"))
			}
		})
		if err := h(x); err != nil || forwarded != tt.want {
			t.Errorf("%s: Range %q, %v", tt.name, forwarded, err)
		}
	}
}
