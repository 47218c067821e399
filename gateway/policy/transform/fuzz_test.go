package transform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"postern/gateway/exchange"
	"postern/gateway/policy/transform"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// everything uses a stranger's value in every place.
func everything() config.Transform {
	const value = "${request.query.a}"
	return request(
		config.RequestStep{Path: "/p/" + value + "x", SetQuery: set("b", value), AddQuery: set("c", value), SetHeaders: set("X-A", value), AddHeaders: set("X-A", "<"+value+">")},
		config.RequestStep{Body: &config.TransformBody{JSON: set("$.a", value, "$.l[*].b", `{"c":`+value+`}`), Remove: []string{"$.z", "$.l[0].z"}}},
	)
}

// Whatever strangers send: it is refused, or what comes of it is one message.
func FuzzTransform(f *testing.F) {
	for _, seed := range []string{"", "a", "a\r\nX: y", "../..", "%2e%2e", "&x=1#", "\"}", "\xff\x00", "//h", "?", "a/b"} {
		f.Add(seed, `{"l":[{"z":1},{}],"z":2}`)
		f.Add(seed, `{"l":{"a" : {}} }`)
	}
	cfg := everything()
	p, err := transform.New(&cfg, site())
	if err != nil {
		f.Fatal(err)
	}
	h := p(func(*exchange.Exchange) error { return nil })
	f.Fuzz(func(t *testing.T, value, body string) {
		if body == "" || len(body) > 500 {
			return
		}
		query := make([]byte, 0, 3*len(value))
		for i := range len(value) {
			query = fmt.Appendf(query, "%%%02x", value[i])
		}
		x := received(t, "POST", "/items", "Content-Type: application/json\r\n", body)
		x.Query = append([]byte("a="), query...)
		err := h(x)
		defer x.Finish(exchange.End{})
		if err != nil {
			var p *problem.Problem
			if !errors.As(err, &p) || p.Status >= 500 {
				t.Errorf("%v", err)
			}
			return
		}
		x.Head.Visit(func(_, value []byte) {
			if !wire.Valid(string(value)) {
				t.Errorf("field %q", value)
			}
		})
		for _, part := range [][]byte{x.SentRest(), x.Query} {
			if bytes.ContainsAny(part, " \r\n\x00#\\") || strings.Contains(string(part)+"/", "/../") {
				t.Errorf("address %q", part)
			}
		}
		if bytes.Count(x.Query, []byte("=")) > 3 || bytes.Count(x.SentRest(), []byte("/")) != 2 {
			t.Errorf("address %q?%q", x.SentRest(), x.Query)
		}
		// What is not changed is sent as it came, in UTF-16 too.
		if text := sent(t, x.Body); text != body && !json.Valid([]byte(text)) || int64(len(text)) != x.Request.Length {
			t.Errorf("body %q of %d", text, x.Request.Length)
		}
	})
}
