package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
)

// masking is a gateway whose API orders has a mask; its target answers so.
func masking(t testing.TB, mask, answer string) (*running, *target) {
	t.Helper()
	u := newTarget(t, always(answer))
	return startText(t, `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
limits: {buffered_body: 1KiB}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://`+u.address+`/base"}]}
  policies:
    identify: none
    mask: {`+mask+`}
`), u
}

// said is a message with a body of that type; fields are more of its head.
func said(first, fields, kind, body string) string {
	if kind != "" {
		fields += "Content-Type: " + kind + "\r\n"
	}
	return fmt.Sprintf("%s\r\n%sContent-Length: %d\r\n\r\n%s", first, fields, len(body), body)
}

// Raw requests and answers in, whole raw requests and answers out.
func TestMaskEndToEnd(t *testing.T) {
	const (
		post  = "POST /gateway/orders/1/x HTTP/1.1"
		plain = "GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\n\r\n"
		good  = "HTTP/1.1 200 OK"
		json  = "application/json"
	)
	get := func(fields string) string {
		return "GET /base/x HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + fields + "Via: 1.1 postern\r\n\r\n"
	}
	posted := func(kind, body string) string {
		return fmt.Sprintf("POST /base/x HTTP/1.1\r\nHost: TARGET\r\n%sContent-Type: %s\r\nVia: 1.1 postern\r\nContent-Length: %d\r\n\r\n%s", forwarded("h"), kind, len(body), body)
	}
	card := []byte(`{"card":"4111"}`)
	for _, tt := range []struct {
		name, mask      string
		request, answer hop
	}{
		{
			"JSON of a request, all else byte for byte",
			`request: [{json_path: $..accountNumber}, {json_path: $.debug, action: filter}]`,
			hop{said(post, "Host: h\r\nDigest: x\r\n", json, "{ \"debug\":{\"a\":1} ,\"z\" : 1.50,\"account\\u004eumber\":\"1\",\"list\":[{\"accountNumber\":12}]}\n"), posted(json, "{ \"z\" : 1.50,\"account\\u004eumber\":\"********\",\"list\":[{\"accountNumber\":\"********\"}]}\n")},
			hop{ok, ok},
		},
		{
			"XML of an answer",
			`response: [{xpath: "//b:card", namespaces: {b: "urn:bank"}, with: "-"}, {xpath: //@pin, action: filter}]`,
			hop{plain, get("")},
			hop{said(good, "ETag: \"e\"\r\nAccept-Ranges: bytes\r\n", "text/xml", `<o xmlns="urn:bank" pin="1" a='2'><card>4111</card></o>`), said(good, "", "text/xml", `<o xmlns="urn:bank" a='2'><card>-</card></o>`)},
		},
		{
			"a fault, by a regular expression",
			`fault: [{regex: "[0-9]{4}"}]`,
			hop{plain, get("")},
			hop{said("HTTP/1.1 500 Internal Server Error", "", "text/html", "card 4111 of 42\n"), said("HTTP/1.1 500 Internal Server Error", "", "text/html", "card ******** of 42\n")},
		},
		{
			"rules for faults are for faults only",
			`fault: [{json_path: $.a}]`,
			hop{plain, get("")},
			hop{said(good, "", "text/html", "a"), said(good, "", "text/html", "a")},
		},
		{
			"rules for answers are not for faults",
			`response: [{json_path: $.a}]`,
			hop{plain, get("")},
			hop{said("HTTP/1.1 404 Not Found", "", "text/html", "a"), said("HTTP/1.1 404 Not Found", "", "text/html", "a")},
		},
		{
			"with nothing to hide all is as it came",
			`response: [{json_path: $.card}]`,
			hop{plain, get("")},
			hop{said(good, "ETag: \"e\"\r\nDigest: x\r\n", json, `{"a" : 1}`), said(good, "ETag: \"e\"\r\nDigest: x\r\n", json, `{"a" : 1}`)},
		},
		{
			"a coding is undone and done again",
			`response: [{json_path: $.card}]`,
			hop{plain, get("")},
			hop{said(good, "Content-Encoding: gzip\r\n", json, string(fasthttp.AppendGzipBytes(nil, card))), fmt.Sprintf("%s\r\nContent-Type: %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", good, json, len(fasthttp.AppendGzipBytes(nil, []byte(`{"card":"********"}`))), fasthttp.AppendGzipBytes(nil, []byte(`{"card":"********"}`)))},
		},
		{
			"a chunked answer gets a length",
			`response: [{json_path: $.card}]`,
			hop{plain, get("")},
			hop{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n" + string(card) + "\r\n0\r\n\r\n", said(good, "", json, `{"card":"********"}`)},
		},
		{
			"no part is asked for",
			`response: [{json_path: $.card}]`,
			hop{"GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nIf-Range: \"e\"\r\n\r\n", get("")},
			hop{said(good, "", json, string(card)), said(good, "", json, `{"card":"********"}`)},
		},
		{
			"HEAD is told nothing of a body that would be another one",
			`response: [{json_path: $.card}]`,
			hop{"HEAD /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD" + get("")[3:]},
			hop{"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"},
		},
		{
			"neither is there one to hide in 204",
			`response: [{json_path: $.card}]`,
			hop{plain, get("")},
			hop{"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
		},
		{
			"JSON that says it is text",
			`response: [{json_path: $.card}, {regex: nothing}]`,
			hop{plain, get("")},
			hop{said(good, "", "text/plain", " "+string(card)), said(good, "", "text/plain", ` {"card":"********"}`)},
		},
		{
			"JSON that says nothing",
			`response: [{json_path: $.card}]`,
			hop{plain, get("")},
			hop{said(good, "", "", "\xef\xbb\xbf"+string(card)), said(good, "", "", "\xef\xbb\xbf"+`{"card":"********"}`)},
		},
		{
			"only what is stored is masked",
			`request: [{json_path: $.card}], response: [{json_path: $.card}], apply: [log]`,
			hop{said(post, "Host: h\r\n", json, "{"), posted(json, "{")},
			hop{ok, ok},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, u := masking(t, tt.mask, tt.answer.sent)
			answer := g.do(tt.request.sent)
			want := strings.ReplaceAll(tt.request.received, "TARGET", u.address)
			if diff := cmp.Diff(want, withoutID(u.next())); diff != "" {
				t.Errorf("upstream request, - want + got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.answer.received, withoutID(answer)); diff != "" {
				t.Errorf("answer, - want + got:\n%s", diff)
			}
		})
	}
}

// What cannot be looked into ends as a problem, and nobody is shown any of it.
func TestMaskRefusals(t *testing.T) {
	const (
		post   = "POST /gateway/orders/1/x HTTP/1.1"
		plain  = "GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\n\r\n"
		good   = "HTTP/1.1 200 OK"
		secret = `{"card":4111`
	)
	for _, tt := range []struct {
		name, mask, request, answer string
		want                        string // status and code
		forwarded                   bool
	}{
		{"a broken request", `request: [{json_path: $.card}]`, said(post, "Host: h\r\n", "application/json", secret), ok, "400 Bad Request bad_request", false},
		{"a request of another type", `request: [{json_path: $.card}]`, said(post, "Host: h\r\n", "image/png", secret[1:]), ok, "415 Unsupported Media Type unsupported_media_type", false},
		{"JSON that says it is XML", `request: [{json_path: $.card}, {regex: "[a-z]{9}"}]`, said(post, "Host: h\r\n", "application/xml", secret+"}"), ok, "415 Unsupported Media Type unsupported_media_type", false},
		{"JSON that says it is UTF-16", `request: [{regex: "[0-9]{4}"}]`, said(post, "Host: h\r\n", "application/json; charset=utf-16", secret+"} "), ok, "400 Bad Request bad_request", false},
		{"a long request", `request: [{json_path: $.card}]`, said(post, "Host: h\r\n", "application/json", secret+strings.Repeat(" ", 1024)+"}"), ok, "413 Request Entity Too Large content_too_large", false},
		{"a broken answer", `response: [{json_path: $.card}]`, plain, said(good, "", "application/json", secret), "502 Bad Gateway answer_unreadable", true},
		{"a long answer", `response: [{json_path: $.card}]`, plain, said(good, "", "application/json", secret+strings.Repeat(" ", 1024)+"}"), "502 Bad Gateway answer_unreadable", true},
		{"a fault of another type", `fault: [{json_path: $.card}]`, plain, said("HTTP/1.1 503 Service Unavailable", "", "text/html", "<p>"+secret), "502 Bad Gateway answer_unreadable", true},
		{"events", `response: [{regex: "[0-9]+"}]`, plain, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 4111\n\n", "502 Bad Gateway answer_unreadable", true},
		{"a part", `response: [{regex: "[0-9]+"}]`, plain, said("HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-3/9\r\n", "text/plain", "4111"), "502 Bad Gateway answer_unreadable", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, u := masking(t, tt.mask, tt.answer)
			answer := g.do(tt.request)
			last := strings.LastIndexByte(tt.want, ' ')
			status, code := tt.want[:last], tt.want[last+1:]
			if !strings.HasPrefix(answer, "HTTP/1.1 "+status+"\r\n") || !strings.Contains(answer, `"code":"`+code+`"`) || strings.Contains(answer, "4111") {
				t.Errorf("answer: %q", answer)
			}
			if tt.forwarded {
				u.next()
			} else if len(u.seen) > 0 {
				t.Error("it is forwarded")
			}
		})
	}
}

// Every level adds its own, and what the cache keeps is masked for each caller.
func TestMaskLevels(t *testing.T) {
	u := newTarget(t, always(said("HTTP/1.1 200 OK", "Cache-Control: max-age=60\r\n", "application/json", `{"a":1,"b":2,"c":3,"d":4}`)))
	d := deploy(t, t.TempDir(), `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
policies:
- {name: all, policies: {mask: {response: [{json_path: $.a}]}}}
- {name: others, when: {apis: [others]}, policies: {mask: {response: [{json_path: $.d}]}}}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://`+u.address+`"}]}
  resources: [{path: /open}, {path: /closed, scopes: [closed]}]
  scopes: [{name: closed, policies: {mask: {response: [{json_path: $.c, action: filter}]}}}]
  policies: {identify: none, cache: {}, mask: {response: [{json_path: $.b, with: "-"}]}}
`)
	for _, tt := range []struct{ path, want string }{
		{"/open", `{"a":"********","b":"-","c":3,"d":4}`},
		{"/closed", `{"a":"********","b":"-","d":4}`},
	} {
		for range 2 {
			answer := d.do("GET /gateway/orders/1" + tt.path + " HTTP/1.1\r\nHost: h\r\n\r\n")
			if _, body, _ := strings.Cut(answer, "\r\n\r\n"); body != tt.want {
				t.Errorf("%s: %s", tt.path, answer)
			}
		}
		u.next()
	}
	if _, status := d.get("/rest/microgateway/status", ""); !strings.Contains(status, `"mask"`) {
		t.Errorf("the status does not name the policy: %s", status)
	}
	if _, settings := d.get("/rest/microgateway/settings", ""); !strings.Contains(settings, `"json_path":"$.c"`) && !strings.Contains(settings, `"json_path": "$.c"`) {
		t.Errorf("settings: %s", settings)
	}
	if _, metrics := d.get("/metrics", ""); !strings.Contains(metrics, `postern_masked_values_total{message="response"} 10`) {
		t.Errorf("metrics: %s", metrics)
	}
}

// Each parameter of requestDataMasking, responseDataMasking and faultDataMasking
// changes the answer; those of logs are in TestMaskedLogs.
func TestMaskParametersOfWebMethods(t *testing.T) {
	const jsonBody, xmlBody = `{"accountNumber":"4111","b":1}`, `<request><payload><accountNumber>4111</accountNumber></payload></request>`
	for _, tt := range []struct{ name, mask, status, kind, body, want string }{
		{"none", `response: [{json_path: $.none}]`, "200 OK", "application/json", jsonBody, jsonBody},
		{"jpathMasking, action", `response: [{json_path: "${request.payload.accountNumber}"}]`, "200 OK", "application/json", jsonBody, `{"accountNumber":"********","b":1}`},
		{"jpathMasking, action, a path", `response: [{json_path: $..accountNumber}]`, "200 OK", "application/json", jsonBody, `{"accountNumber":"********","b":1}`},
		{"jpathMasking, maskingType", `response: [{json_path: "${request.payload.accountNumber}", action: filter}]`, "200 OK", "application/json", jsonBody, `{"b":1}`},
		{"jpathMasking, maskValue", `response: [{json_path: "${request.payload.accountNumber}", with: "####"}]`, "200 OK", "application/json", jsonBody, `{"accountNumber":"####","b":1}`},
		{"xpathMasking, action", `response: [{xpath: //request/payload/accountNumber}]`, "200 OK", "application/xml", xmlBody, strings.Replace(xmlBody, "4111", "********", 1)},
		{"xpathMasking, maskingType", `response: [{xpath: //request/payload/accountNumber, action: filter}]`, "200 OK", "application/xml", xmlBody, `<request><payload></payload></request>`},
		{"xpathMasking, maskValue", `response: [{xpath: //request/payload/accountNumber, with: "####"}]`, "200 OK", "application/xml", xmlBody, strings.Replace(xmlBody, "4111", "####", 1)},
		{"regexMasking of a fault, action", `fault: [{regex: //s}]`, "500 Internal Server Error", "text/plain", "a//s", "a********"},
		{"regexMasking of a fault, maskingType", `fault: [{regex: //s, action: filter}]`, "500 Internal Server Error", "text/plain", "a//s", "a"},
		{"regexMasking of a fault, maskValue", `fault: [{regex: //s, with: x}]`, "500 Internal Server Error", "text/plain", "a//s", "ax"},
		{"jpathMasking of a fault", `fault: [{json_path: "${request.payload.accountNumber}"}]`, "400 Bad Request", "application/json", jsonBody, `{"accountNumber":"********","b":1}`},
		{"xpathMasking of a fault", `fault: [{xpath: //request/payload/accountNumber}]`, "400 Bad Request", "application/xml", xmlBody, strings.Replace(xmlBody, "4111", "********", 1)},
		{"several criteria", `response: [{json_path: $.b}, {json_path: $.accountNumber, action: filter}]`, "200 OK", "application/json", jsonBody, `{"b":"********"}`},
		{"applyForPayload", `response: [{json_path: $.b}], apply: [log]`, "200 OK", "application/json", jsonBody, jsonBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := masking(t, tt.mask, said("HTTP/1.1 "+tt.status, "", tt.kind, tt.body))
			want := said("HTTP/1.1 "+tt.status, "", tt.kind, tt.want)
			if diff := cmp.Diff(want, withoutID(g.do("GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\n\r\n"))); diff != "" {
				t.Errorf("answer, - want + got:\n%s", diff)
			}
		})
		t.Run(tt.name+", of a request", func(t *testing.T) {
			mask := strings.NewReplacer("response:", "request:", "fault:", "request:").Replace(tt.mask)
			g, u := masking(t, mask, ok)
			g.do(said("POST /gateway/orders/1/x HTTP/1.1", "Host: h\r\n", tt.kind, tt.body))
			if _, body, _ := strings.Cut(u.next(), "\r\n\r\n"); body != tt.want {
				t.Errorf("upstream is sent %q, want %q", body, tt.want)
			}
		})
	}
}

// What is stored of a request and its answer, whatever passes.
func TestMaskedLogs(t *testing.T) {
	const (
		hidden  = "**************"
		request = `{"pin":1234,"a":1}`
		answer  = `{"card":"4111"}`
	)
	for _, tt := range []struct {
		name, stored, mask string
		status             int
		answer             string
		want               [4]string // of the caller's request, the upstream's, the upstream's answer, the caller's
	}{
		{"nothing is masked", "", "", 200, answer, [4]string{request, request, answer, answer}},
		{
			"what passes only", "", "apply: [payload]\n      response: [{json_path: $.card}]\n      request: [{json_path: $.pin", 200, answer,
			[4]string{request, `{"pin":"********","a":1}`, answer, `{"card":"********"}`},
		},
		{
			"what is stored only", "", "apply: [log]\n      response: [{json_path: $.card}]\n      request: [{json_path: $.pin", 200, answer,
			[4]string{`{"pin":"********","a":1}`, `{"pin":"********","a":1}`, `{"card":"********"}`, `{"card":"********"}`},
		},
		{
			"both", "", "response: [{json_path: $.card, with: x}]\n      request: [{json_path: $.pin, action: filter", 200, answer,
			[4]string{`{"a":1}`, `{"a":1}`, `{"card":"x"}`, `{"card":"x"}`},
		},
		{"a fault", "", "apply: [log]\n      fault: [{regex: '[0-9]{4}'", 404, answer, [4]string{request, request, `{"card":"********"}`, `{"card":"********"}`}},
		{"cut off", ", max_body: 14B", "apply: [log]\n      response: [{json_path: $.card", 200, answer, [4]string{`{"pin":1234,"a`, `{"pin":1234,"a`, hidden, hidden}},
		{"not JSON", "", "apply: [log]\n      response: [{json_path: $.card", 200, `{"card":"4111"`, [4]string{request, request, hidden, hidden}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, always(said(fmt.Sprintf("HTTP/1.1 %d Status", tt.status), "", "application/json", tt.answer)))
			more := ", messages: [client, server], request: {body: true}, response: {body: true}" + tt.stored
			if tt.mask != "" {
				more += "}]\n    mask:\n      " + tt.mask
			}
			d := deploy(t, t.TempDir(), loggedTo(u.address, more))
			d.do(said("POST /gateway/orders/1.0/orders/7 HTTP/1.1", "Host: h\r\nX-Gateway-APIKey: s3cr3t-key\r\n", "application/json", request))
			events, _ := d.events(1)
			for i, key := range []string{"reqPayload", "nativeReqPayload", "nativeResPayload", "resPayload"} {
				if got := events[0][key]; got != tt.want[i] {
					t.Errorf("%s: %q, want %q", key, got, tt.want[i])
				}
			}
		})
	}
}
