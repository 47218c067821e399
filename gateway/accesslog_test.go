package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

func TestAccessLine(t *testing.T) {
	g, _ := newGateway(t, shop, func(x *exchange.Exchange) error {
		x.Caller.Application.Name = "shop"
		x.Rule = "canary"
		x.Caller.Subject, x.Upstream, x.Attempts, x.UpstreamTime = `al"ice`, "http://127.0.0.1:9", 2, 1234567*time.Nanosecond
		if string(x.Query) == "token=secret" {
			return problem.UpstreamFailed.Because(errors.New("dial: refused"))
		}
		return upstreamAnswers(x)
	})
	var out bytes.Buffer
	g.access.out = &out
	for _, tt := range []struct {
		name, target string
		end          exchange.End
		want         string
	}{
		{
			"good", "/gateway/orders/orders?a=b",
			exchange.End{Status: 200, Sent: 5, Received: 7, Duration: 12*time.Millisecond + 3400},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","trace_id":"","client":"192.0.2.7","tls":"","proto":"HTTP/1.1","method":"GET","host":"h","path":"/gateway/orders/orders","query":"","api":"orders/1.0","status":200,"code":"","reason":"","sub":"al\"ice","by":"","application":"shop","rule":"canary","upstream":"http://127.0.0.1:9","attempts":2,"duration_ms":12.003,"upstream_ms":1.234,"sent":5,"received":7,"agent":"curl/8 \"x\"","error":""}`,
		},
		{
			"failed, cut short", "/gateway/orders/orders?token=secret",
			exchange.End{Status: 502, Err: errors.New("write: broken\npipe")},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","trace_id":"","client":"192.0.2.7","tls":"","proto":"HTTP/1.1","method":"GET","host":"h","path":"/gateway/orders/orders","query":"","api":"orders/1.0","status":502,"code":"upstream_failed","reason":"dial: refused","sub":"al\"ice","by":"","application":"shop","rule":"canary","upstream":"http://127.0.0.1:9","attempts":2,"duration_ms":0.000,"upstream_ms":1.234,"sent":0,"received":0,"agent":"curl/8 \"x\"","error":"write: broken\u000apipe"}`,
		},
		{
			"bad path", "/a%00?token=secret",
			exchange.End{Status: 400},
			`{"time":"2026-02-03T04:05:06.007Z","id":"r1","trace_id":"","client":"192.0.2.7","tls":"","proto":"HTTP/1.1","method":"GET","host":"h","path":"/a%00","query":"","api":"","status":400,"code":"bad_path","reason":"path holds an escaped control character or backslash","sub":"","by":"","application":"","rule":"","upstream":"","attempts":0,"duration_ms":0.000,"upstream_ms":0.000,"sent":0,"received":0,"agent":"curl/8 \"x\"","error":""}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out.Reset()
			x := newExchange(t, "GET", tt.target, "X-Request-Id: r1", "Authorization: Bearer secret", "Cookie: secret", `User-Agent: curl/8 "x"`)
			x.Started = time.Date(2026, 2, 3, 5, 5, 6, 7e6, time.FixedZone("", 3600))
			g.Handle(x)
			x.Finish(tt.end)
			g.access.flush()
			if diff := cmp.Diff(tt.want+"\n", out.String()); diff != "" || !json.Valid(out.Bytes()) {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoseRequestsAreLogged(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		access string
		end    exchange.End
		want   bool
	}{
		{"true", exchange.End{Status: 200}, true},
		{"false", exchange.End{Status: 500}, false},
		{"false", exchange.End{Status: 200, Err: broken}, false},
		{"errors", exchange.End{Status: 200}, false},
		{"errors", exchange.End{Status: 304}, false},
		{"errors", exchange.End{Status: 400}, true},
		{"errors", exchange.End{Status: 502}, true},
		{"errors", exchange.End{Status: 200, Err: broken}, true},
	} {
		t.Run(fmt.Sprint(tt.access, tt.end.Status, tt.end.Err), func(t *testing.T) {
			g, _ := newGateway(t, shop+"logging: {access: "+tt.access+"}\n", upstreamAnswers)
			if got := logged(t, g, begin(t, g, "/files/a"), tt.end) != ""; got != tt.want {
				t.Errorf("logged: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAReloadChangesTheLines(t *testing.T) {
	g, _ := newGateway(t, shop, upstreamAnswers)
	for _, tt := range []struct{ logging, begins string }{
		{"{access: true}", `{"time":`},
		{"{format: combined}", "192.0.2.7 - - ["},
		{"{access: false}", ""},
		{"{access: errors}", ""},
		{"{query: true}", `{"time":`},
	} {
		if err := g.Apply(load(t, shop+"logging: "+tt.logging+"\n")); err != nil {
			t.Fatal(err)
		}
		line := logged(t, g, begin(t, g, "/files/a"), exchange.End{Status: 200})
		if !strings.HasPrefix(line, tt.begins) || (line == "") != (tt.begins == "") {
			t.Errorf("%s: %q", tt.logging, line)
		}
	}
}

// logged is what the access log says of an exchange that ends.
func logged(t *testing.T, g *Gateway, x *exchange.Exchange, end exchange.End) string {
	t.Helper()
	var out bytes.Buffer
	g.access.out = &out
	x.Finish(end)
	g.access.flush()
	return out.String()
}

func TestQueryInTheLog(t *testing.T) {
	for _, tt := range []struct{ logging, want string }{
		{"{access: true}", ""},
		{"{query: true}", "a=b&access_token=***&code=x"},
		{"{query: true, mask: [Code]}", "a=b&access_token=***&code=***"},
	} {
		g, _ := newGateway(t, shop+"logging: "+tt.logging+"\n", upstreamAnswers)
		x := newExchange(t, "GET", "/files/a?a=b&access_token=s&code=x")
		g.Handle(x)
		var line struct{ Query string }
		if err := json.Unmarshal([]byte(logged(t, g, x, exchange.End{Status: 200})), &line); err != nil || line.Query != tt.want {
			t.Errorf("%s: query %q, want %q (%v)", tt.logging, line.Query, tt.want, err)
		}
	}
}

func TestCombinedLine(t *testing.T) {
	for _, tt := range []struct {
		name, logging, target string
		lines                 []string
		sub, want             string
	}{
		{
			name: "plain", target: "/gateway/orders/orders?x=1", lines: []string{"User-Agent: curl/8.5", "Referer: https://shop.example.com/cart?access_token=s"}, sub: "alice",
			want: `192.0.2.7 - alice [03/Feb/2026:04:05:06 +0000] "GET /gateway/orders/orders HTTP/1.1" 200 5 "https://shop.example.com/cart" "curl/8.5" r1`,
		},
		{
			name: "nothing said", target: "/gateway/orders/orders",
			want: `192.0.2.7 - - [03/Feb/2026:04:05:06 +0000] "GET /gateway/orders/orders HTTP/1.1" 200 5 "-" "-" r1`,
		},
		{
			name: "escaped", target: "/gateway/orders/orders/%22", lines: []string{"User-Agent: a\"b\\c\xff\td", "Referer: https://u:p@h\"/x#s"}, sub: "al ice\n",
			want: `192.0.2.7 - al\x20ice\x0A [03/Feb/2026:04:05:06 +0000] "GET /gateway/orders/orders/%22 HTTP/1.1" 200 5 "https://h\x22/x" "a\x22b\x5Cc\xFF\x09d" r1`,
		},
		{
			name: "query", logging: ", query: true, mask: [k]", target: `/gateway/orders/orders?x="1&ACCESS%5ftoken=s;K=s`, lines: []string{"Referer: /y?k=s&z"},
			want: `192.0.2.7 - - [03/Feb/2026:04:05:06 +0000] "GET /gateway/orders/orders?x=\x221&ACCESS%5ftoken=***;K=*** HTTP/1.1" 200 5 "/y?k=***&z" "-" r1`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := newGateway(t, shop+"logging: {format: combined"+tt.logging+"}\n", func(x *exchange.Exchange) error {
				x.Caller.Subject = tt.sub
				return upstreamAnswers(x)
			})
			x := newExchange(t, "GET", tt.target, append(tt.lines, "X-Request-Id: r1")...)
			x.Started = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
			g.Handle(x)
			if diff := cmp.Diff(tt.want+"\n", logged(t, g, x, exchange.End{Status: 200, Sent: 5})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// README's table of keys is that of a real line, in its order.
func TestKeysAreInReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "### The log\n")
	if !found {
		t.Fatal("README.md has no chapter The log")
	}
	chapter, _, _ = strings.Cut(chapter, "\n### ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(chapter, -1) {
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, key[1])
		}
	}
	g, _ := newGateway(t, shop, upstreamAnswers)
	line := logged(t, g, begin(t, g, "/files/a"), exchange.End{Status: 200})
	var written []string
	for _, key := range regexp.MustCompile(`[{,]"(\w+)":`).FindAllStringSubmatch(line, -1) {
		written = append(written, key[1])
	}
	if diff := cmp.Diff(written, documented); diff != "" {
		t.Errorf("keys (-line +README.md):\n%s", diff)
	}
}
