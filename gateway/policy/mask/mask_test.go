package mask_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"postern/gateway/exchange"
	"postern/gateway/message"
	"postern/gateway/metrics"
	"postern/gateway/policy/mask"
	"postern/gateway/problem"
	"postern/gateway/wire"
	"postern/provisioning/config"
)

// policy is one around an upstream; bodies are of 1000 bytes at most.
func policy(t testing.TB, cfg config.Mask, upstream exchange.Handler) (exchange.Handler, *message.Bodies) {
	t.Helper()
	bodies := message.New(1000, 1<<20)
	if cfg.Apply == nil {
		cfg.Apply = []string{"payload"}
	}
	for _, list := range [][]config.MaskRule{cfg.Request, cfg.Response, cfg.Fault} {
		for i := range list {
			if list[i].Action == "" {
				list[i].Action, list[i].With = "mask", "***"
			}
		}
	}
	for _, of := range sides {
		p, err := of(&cfg, bodies, metrics.New(metrics.Sources{}))
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			upstream = p(upstream)
		}
	}
	return upstream, bodies
}

// sides are the policies of a section, innermost first.
var sides = []mask.Side{mask.Requests, mask.Answers}

// received is a request; head is without Host.
func received(t testing.TB, method, head, body string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{HTTP: new(fasthttp.RequestCtx)}
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	br := bufio.NewReaderSize(strings.NewReader(method+" /x HTTP/1.1\r\nHost: h\r\n"+head+"\r\n"+body), 4096)
	if err := x.HTTP.Request.Header.Read(br); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.Request, err = wire.ReadRequest(&x.HTTP.Request.Header, &x.Head); err != nil {
		t.Fatal(err)
	}
	if body != "" {
		x.Body = new(wire.Body)
		x.Body.SetLength(br, int64(len(body)))
	}
	return x
}

// answers makes an upstream that answers so; head is lines of fields.
func answers(status int, head, body string) exchange.Handler {
	return func(x *exchange.Exchange) error {
		a := &x.Answer
		a.Status, a.Length, a.Release = status, int64(len(body)), func(bool) {}
		for line := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n"), "\r\n") {
			name, value, _ := strings.Cut(line, ": ")
			a.Head.Add(name, value)
		}
		a.Body = new(wire.Body)
		a.Body.SetLength(bufio.NewReader(strings.NewReader(body)), int64(len(body)))
		return nil
	}
}

func sent(t testing.TB, body *wire.Body) string {
	t.Helper()
	if body == nil {
		return ""
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

var (
	pin      = []config.MaskRule{{JSONPath: "$..pin"}}
	element  = []config.MaskRule{{XPath: "//pin"}}
	digits   = []config.MaskRule{{Regex: "[0-9]{4}"}}
	pinOrAny = []config.MaskRule{{JSONPath: "$..pin"}, {Regex: "[0-9]{4}"}}
)

// Whatever is sent, no secret passes: it is masked, or all of it is refused.
func TestNothingPassesUnmasked(t *testing.T) {
	const (
		asJSON = "Content-Type: application/json\r\n"
		asXML  = "Content-Type: application/xml\r\n"
		asText = "Content-Type: text/plain\r\n"
	)
	gzip := func(s string) string { return string(fasthttp.AppendGzipBytes(nil, []byte(s))) }
	bomb := gzip(`{"pin":"` + strings.Repeat("1", 100_000) + `"}`)
	for _, tt := range []struct {
		name  string
		rules []config.MaskRule
		head  string
		body  string
		want  *problem.Problem // of a request; nil: it passes, as
		as    string
	}{
		{"escaped name", pin, asJSON, `{"p\u0069n":"1234"}`, nil, `{"p\u0069n":"***"}`},
		{"name of another case is another name", pin, asJSON, `{"PIN":"x","pin":"1234"}`, nil, `{"PIN":"x","pin":"***"}`},
		{"duplicate members", pin, asJSON, `{"pin":"x","pin":"1234"}`, problem.BadRequest, ""},
		{"duplicate members, one escaped", pin, asJSON, `{"pin":"x","\u0070in":"1234"}`, problem.BadRequest, ""},
		{"arrays in arrays", pin, asJSON, `[[{"pin":["1234"]}],{"pin":1234}]`, nil, `[[{"pin":"***"}],{"pin":"***"}]`},
		{"surrogates", pin, asJSON, `{"😀":"\ud83d\ude00","pin":"\u0031234"}`, nil, `{"😀":"\ud83d\ude00","pin":"***"}`},
		{"a lone surrogate", pin, asJSON, `{"\ud83d":1,"pin":"1234"}`, nil, `{"\ud83d":1,"pin":"***"}`},
		{"deep nesting", pin, asJSON, strings.Repeat(`[`, 200) + `{"pin":1234}` + strings.Repeat(`]`, 200), problem.ContentTooLarge, ""},
		{"byte order mark", pin, asJSON, "\xef\xbb\xbf{\"pin\":1234}", nil, "\xef\xbb\xbf{\"pin\":\"***\"}"},
		{"UTF-16", pin, asJSON, "\xff\xfe{\x00\"\x00p\x00i\x00n\x00\"\x00:\x001\x00}\x00", nil, "\xff\xfe{\x00\"\x00p\x00i\x00n\x00\"\x00:\x00\"\x00*\x00*\x00*\x00\"\x00}\x00"},
		{"UTF-16 that says nothing", pin, asJSON, "{\x00\"\x00p\x00i\x00n\x00\"\x00:\x001\x00}\x00", problem.BadRequest, ""},
		{"UTF-7", pin, "Content-Type: application/json; charset=utf-7\r\n", `{"pin":1234}`, problem.UnsupportedMediaType, ""},
		{"gzip in gzip", pin, asJSON + "Content-Encoding: gzip, gzip\r\n", gzip(gzip(`{"pin":1234}`)), nil, gzip(gzip(`{"pin":"***"}`))},
		{"four codings", pin, asJSON + "Content-Encoding: gzip, gzip, gzip, gzip\r\n", gzip(gzip(gzip(gzip(`{"pin":1234}`)))), problem.UnsupportedMediaType, ""},
		{"gzip that says nothing", pin, asJSON, gzip(`{"pin":1234}`), problem.BadRequest, ""},
		{"gzip, and more behind", pin, asJSON + "Content-Encoding: gzip\r\n", gzip(`{"a":1}`) + "{\"pin\":1234}", problem.BadRequest, ""},
		{"a bomb", pin, asJSON + "Content-Encoding: gzip\r\n", bomb, problem.ContentTooLarge, ""},
		{"unknown coding", pin, asJSON + "Content-Encoding: compress\r\n", `{"pin":1234}`, problem.UnsupportedMediaType, ""},
		{"trailing garbage", pin, asJSON, `{"a":1} {"pin":1234}`, problem.BadRequest, ""},
		{"comments", pin, asJSON, `{/*"*/"pin":1234}`, problem.BadRequest, ""},
		{"single quotes", pin, asJSON, `{'pin':1234}`, problem.BadRequest, ""},
		{"a trailing comma", pin, asJSON, `{"pin":1234,}`, problem.BadRequest, ""},
		{"cut off", pin, asJSON, `{"pin":1234`, problem.BadRequest, ""},
		{"too long", pin, asJSON, `{"pin":1234}` + strings.Repeat(" ", 1000), problem.ContentTooLarge, ""},
		{"JSON as text", pin, asText, `{"pin":1234}`, nil, `{"pin":"***"}`},
		{"JSON as text, where text is looked into", pinOrAny, asText, "\n{\"pin\":12}", nil, "\n{\"pin\":\"***\"}"},
		{"nearly JSON as text", pinOrAny, asText, `{"pin":12,"pin":13}`, problem.BadRequest, ""},
		{"JSON as XML", pin, asXML, `{"pin":1234}`, problem.UnsupportedMediaType, ""},
		{"JSON of two types", pin, asXML + asJSON, `{"pin":1234}`, problem.UnsupportedMediaType, ""},
		{"JSON as lines", pin, "Content-Type: application/x-ndjson\r\n", "{\"a\":1}\n{\"pin\":1234}\n", problem.BadRequest, ""},
		{"JSON of a type in capitals", pin, "Content-Type: APPLICATION/JSON ; a=b\r\n", `{"pin":1234}`, nil, `{"pin":"***"}`},
		{"JSON of a structured type", pin, "Content-Type: application/problem+json\r\n", `{"pin":1234}`, nil, `{"pin":"***"}`},
		{"a form", pin, "Content-Type: application/x-www-form-urlencoded\r\n", `pin=1234`, problem.UnsupportedMediaType, ""},
		{"XML for which no rule is", pin, asXML, `<pin>1234</pin>`, problem.UnsupportedMediaType, ""},
		{"bytes", pin, "Content-Type: image/png\r\n", "\x89PNG1234", problem.UnsupportedMediaType, ""},
		{"XML as text", element, asText, `<a><pin>1234</pin></a>`, nil, `<a><pin>***</pin></a>`},
		{"XML as HTML", element, "Content-Type: text/html\r\n", `<p><pin>1234</p>`, problem.BadRequest, ""},
		{"an entity of one's own", element, asXML, `<!DOCTYPE a [<!ENTITY p "<pin>1234</pin>">]><a>&p;</a>`, problem.BadRequest, ""},
		{"CDATA", element, asXML, `<a><pin><![CDATA[12]]>34</pin></a>`, nil, `<a><pin>***</pin></a>`},
		{"Latin-1 by its declaration", element, asXML, "<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'><pin>\xe9</pin></a>", nil, "<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'><pin>***</pin></a>"},
		{"a prefix that is not declared", element, asXML, `<a><x:pin>1234</x:pin></a>`, problem.BadRequest, ""},
		{"two documents", element, asXML, `<a/><pin>1234</pin>`, problem.BadRequest, ""},
		{"digits anywhere", digits, "Content-Type: image/png\r\n", "\x89PNG1234", nil, "\x89PNG***"},
		{"a broken JSON number", digits, asJSON, `{"a":1234}`, problem.BadRequest, ""},
		{"digits in a string", digits, asJSON, `{"a":"x1234"}`, nil, `{"a":"x***"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			passed := false
			h, bodies := policy(t, config.Mask{Request: tt.rules}, func(x *exchange.Exchange) error {
				passed = true
				if got := sent(t, x.Body); got != tt.as || int64(len(got)) != x.Request.Length {
					t.Errorf("the upstream is sent %q of %d, want %q", got, x.Request.Length, tt.as)
				}
				return nil
			})
			x := received(t, "POST", tt.head, tt.body)
			err := h(x)
			if tt.want == nil && err != nil || tt.want != nil && (!errors.Is(err, tt.want) || passed) {
				t.Errorf("request: %v, want %v", err, tt.want)
			}
			x.Finish(exchange.End{})

			h, answerBodies := policy(t, config.Mask{Response: tt.rules, Fault: tt.rules}, answers(200, tt.head, tt.body))
			x = received(t, "GET", "", "")
			switch err := h(x); {
			case tt.want != nil:
				if !errors.Is(err, problem.AnswerUnreadable) {
					t.Errorf("answer: %v", err)
				}
			case err != nil:
				t.Errorf("answer: %v", err)
			default:
				if got := sent(t, x.Answer.Body); got != tt.as || int64(len(got)) != x.Answer.Length {
					t.Errorf("the caller is sent %q of %d, want %q", got, x.Answer.Length, tt.as)
				}
			}
			x.Finish(exchange.End{})
			if held := bodies.Held() + answerBodies.Held(); held != 0 {
				t.Errorf("%d bytes are still held", held)
			}
		})
	}
}

// Answers that cannot be looked into are refused unread; those that say nothing of
// a body are left alone.
func TestAnswersUnread(t *testing.T) {
	both := config.Mask{Response: pin, Fault: pin}
	for _, tt := range []struct {
		name   string
		cfg    config.Mask
		status int
		head   string
		reason string // "": it passes
	}{
		{"events", both, 200, "Content-Type: Text/Event-Stream; charset=utf-8\r\n", "events cannot be masked"},
		{"events of a fault", both, 503, "Content-Type: text/event-stream\r\n", "events cannot be masked"},
		{"a part", both, 206, "Content-Type: application/json\r\n", "a part of a body cannot be masked"},
		{"events without a rule", config.Mask{Fault: pin}, 200, "Content-Type: text/event-stream\r\n", ""},
		{"a part without a rule", config.Mask{Fault: pin}, 206, "Content-Type: application/json\r\n", ""},
		{"a fault without a rule", config.Mask{Response: pin}, 400, "Content-Type: image/png\r\n", ""},
		{"all without payload", config.Mask{Response: pin, Fault: pin, Apply: []string{"log"}}, 206, "Content-Type: image/png\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.cfg.Of("log") {
				for _, of := range sides {
					if p, err := of(&tt.cfg, message.New(1000, 1<<20), metrics.New(metrics.Sources{})); p != nil || err != nil {
						t.Errorf("there is a policy, %v", err)
					}
				}
				return
			}
			h, _ := policy(t, tt.cfg, answers(tt.status, tt.head, "data: 1234\n\n"))
			x := received(t, "GET", "", "")
			err := h(x)
			var p *problem.Problem
			switch {
			case tt.reason == "":
				if err != nil || x.Answer.Body.Held() {
					t.Errorf("%v, or the body was read", err)
				}
			case !errors.As(err, &p) || !p.Is(problem.AnswerUnreadable) || p.Cause.Error() != tt.reason || x.Answer.Body.Held():
				t.Errorf("%v", err)
			}
		})
	}
}

// A failure of the upstream, an answer of the gateway's own and a tunnel have
// nothing to mask.
func TestOnlyAnswersAreMasked(t *testing.T) {
	cfg := config.Mask{Response: pin, Fault: pin}
	h, _ := policy(t, cfg, func(*exchange.Exchange) error { return problem.NotFound })
	if err := h(received(t, "GET", "", "")); !errors.Is(err, problem.NotFound) {
		t.Error(err)
	}
	h, _ = policy(t, cfg, func(*exchange.Exchange) error { return nil })
	if err := h(received(t, "GET", "", "")); err != nil {
		t.Error(err)
	}
	h, _ = policy(t, cfg, func(x *exchange.Exchange) error {
		x.Answer.Status, x.Answer.Tunnel = 101, func(*wire.Readers) exchange.Tunnelled { return exchange.Tunnelled{} }
		return nil
	})
	if err := h(received(t, "GET", "", "")); err != nil {
		t.Error(err)
	}
}

func TestFaultsAreLocated(t *testing.T) {
	cfg := config.Mask{
		Request: []config.MaskRule{{JSONPath: "$.a"}, {JSONPath: "b"}}, Fault: []config.MaskRule{{XPath: "//p:a"}, {Regex: ""}},
		Apply: []string{"log"},
	}
	var told []string
	for _, of := range sides {
		if _, err := of(&cfg, nil, metrics.New(metrics.Sources{})); err != nil {
			told = append(told, err.Error())
		}
	}
	const want = "request[1].json_path: a JSONPath begins with $; fault[0].xpath: no XPath: prefix p not defined.; fault[1].regex: matches an empty text, so it would be everywhere"
	if got := strings.ReplaceAll(strings.Join(told, "\n"), "\n", "; "); got != want {
		t.Error(got)
	}
}
