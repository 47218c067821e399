package outbound_test

import (
	"bufio"
	"net/url"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/policy/outbound"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// request is an exchange whose field lines are separated by |.
func request(t testing.TB, target, fields string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	raw := "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + strings.ReplaceAll(fields, "|", "\r\n") + "\r\n\r\n"
	if err := x.HTTP.Request.Header.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	if _, query, ok := strings.Cut(target, "?"); ok {
		x.Query = []byte(query)
	}
	return x
}

func pass(*exchange.Exchange) error { return nil }

func key(header, query, value string) *config.Outbound {
	return &config.Outbound{APIKey: &config.OutboundKey{Header: header, Query: query, Value: config.NewSecret(value)}}
}

func TestOutbound(t *testing.T) {
	basic := &config.Outbound{Basic: &config.OutboundBasic{User: "edge", Password: config.NewSecret("pässword:1")}}
	const callers = "Authorization: Bearer a|X-Key: mine|x_key: mine|Accept: b"
	for _, tt := range []struct {
		name   string
		cfg    *config.Outbound
		target string
		want   string // field lines
		query  string
	}{
		{"none", &config.Outbound{Word: config.OutboundNone}, "/x?a=b", "X-Key: mine|x_key: mine|Accept: b", "a=b"},
		{"basic", basic, "/x", "X-Key: mine|x_key: mine|Accept: b|Authorization: Basic ZWRnZTpww6Rzc3dvcmQ6MQ==", ""},
		{"key in a field", key("X-Key", "", "k1"), "/x", "Authorization: Bearer a|Accept: b|X-Key: k1", ""},
		{"a token that does not change", key("Authorization", "", "Bearer t1"), "/x", "X-Key: mine|x_key: mine|Accept: b|Authorization: Bearer t1", ""},
		{"key in the query", key("", "key", "k&1 ="), "/x", callers, "key=k%261%20%3D"},
		{"key after the query", key("", "key", "k1"), "/x?a=%2f&b", callers, "a=%2f&b&key=k1"},
		{"key after an empty query", key("", "key", "k1"), "/x?", callers, "key=k1"},
		{"in place of the caller's", key("", "key", "k1"), "/x?key=mine&a&k%65y=mine&key&KEY=1&keys=2&%zz", callers, "a&KEY=1&keys=2&%zz&key=k1"},
		{"name that must be escaped", key("", "a key", "k1"), "/x?a+key=mine&a%20key=mine&b", callers, "b&a+key=k1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := request(t, tt.target, callers)
			if err := outbound.New(tt.cfg)(pass)(x); err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSuffix(strings.ReplaceAll(string(x.Head.AppendForward(nil)), "\r\n", "|"), "|")
			if got != tt.want || string(x.Query) != tt.query {
				t.Errorf("fields %q\nwant   %q\nquery %q, want %q", got, tt.want, x.Query, tt.query)
			}
			if uri := string(x.HTTP.Request.Header.RequestURI()); tt.query != tt.target && tt.cfg.APIKey != nil && tt.cfg.APIKey.Query != "" && uri != "/x?"+tt.query {
				t.Errorf("target %q", uri)
			}
		})
	}
	for _, word := range []string{config.ForwardToken, config.ForwardBasic} {
		if outbound.New(&config.Outbound{Word: word}) != nil {
			t.Errorf("%s has something to do", word)
		}
	}
}

// Whatever the caller's query is, its copies of the key are not in what is sent.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=b", "key=1&a", "k%65y=1", "%6Bey", "&&key&", "a=key=1", "key%", "+key=1"} {
		f.Add(seed)
	}
	policy := outbound.New(key("", "key", "k1"))(pass)
	x := request(f, "/x", "Accept: a")
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, "#;") {
			return // no query has the first; Go reads the second as a fault
		}
		x.HTTP.Request.Header.SetRequestURI("/x?" + query)
		x.Query = []byte(query)
		if err := policy(x); err != nil {
			t.Fatal(err)
		}
		values, _ := url.ParseQuery(string(x.Query)) // what is broken is left out
		if got := values["key"]; len(got) != 1 || got[0] != "k1" {
			t.Errorf("%q becomes %q", query, x.Query)
		}
	})
}

// benches are the kinds there are.
func benches(t testing.TB) map[string]func() {
	t.Helper()
	all := map[string]func(){}
	for name, cfg := range map[string]*config.Outbound{
		"none":  {Word: config.OutboundNone},
		"basic": {Basic: &config.OutboundBasic{User: "edge", Password: config.NewSecret("secret")}},
		"field": key("X-Key", "", "k1"),
		"query": key("", "key", "k1"),
	} {
		x, handler := request(t, "/x?a=b&key=mine", "Accept: a|X-Key: mine|Authorization: Bearer a"), outbound.New(cfg)(pass)
		raw, query := []byte("GET /x?a=b&key=mine HTTP/1.1\r\nHost: h\r\nAccept: a\r\nX-Key: mine\r\nAuthorization: Bearer a\r\n\r\n"), []byte("a=b&key=mine")
		reader, in := bufio.NewReader(nil), strings.NewReader("")
		text := string(raw)
		all[name] = func() {
			in.Reset(text)
			reader.Reset(in)
			x.Head.Reset()
			_ = x.HTTP.Request.Header.Read(reader) // read before
			x.Request, _ = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head)
			x.Query = query
			_ = handler(x)
		}
	}
	return all
}

// BenchmarkOutbound includes reading the head.
func BenchmarkOutbound(b *testing.B) {
	for name, serve := range benches(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
