package gateway

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// transforming is a gateway whose API orders has a transform; its target answers so.
func transforming(t testing.TB, transform, answer string) (*running, *target) {
	t.Helper()
	u := newTarget(t, always(answer))
	return startText(t, `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://`+u.address+`/base"}]}
  policies:
    identify: none
    transform:
`+indent("      ", transform)), u
}

// hop is a message before and after the gateway.
type hop struct{ sent, received string }

// Raw requests and answers in, whole raw requests and answers out.
func TestTransformEndToEnd(t *testing.T) {
	const plain = "GET /gateway/orders/1/items/7?a=1&b=2 HTTP/1.1\r\nHost: h\r\n\r\n"
	get := func(target, fields string) string {
		return "GET /base" + target + " HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + fields + "Via: 1.1 postern\r\n\r\n"
	}
	for _, tt := range []struct {
		name, transform string
		request, answer hop
	}{
		{
			"fields of a request, in the order of a step",
			`request: [{rename_headers: {X-Old: X-New}, set_headers: {X-Path: "${sys:resource_path}", X-New2: "${request.headers.X-New}!"}, add_headers: {X-More: b}, remove_headers: [X-Gone]}]`,
			hop{"GET /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nX-Old: 1\r\nX_Path: mine\r\nX-More: a\r\nx-gone: 1\r\nX_Gone: 2\r\n\r\n", get("/x", "X-New: 1\r\nX-More: a\r\nX-Path: x\r\nX-New2: 1!\r\nX-More: b\r\n")},
			hop{ok, ok},
		},
		{
			"a step sees what those before it did",
			`request: [{set_headers: {X-A: one}}, {when: {all: [{variable: "${request.headers.X-A}", equals: one}]}, set_headers: {X-B: "${request.headers.X-A} two"}, remove_headers: [X-A]}]`,
			hop{plain, get("/items/7?a=1&b=2", "X-B: one two\r\n")},
			hop{ok, ok},
		},
		{
			"query, path and method",
			`request: [{method: DELETE, path: "/v2/${sys:resource_path}/${request.headers.X-Odd}", rename_query: {b: "b c"}, set_query: {a: "x y&z"}, add_query: {d: "${request.httpMethod}", none: "${request.query.none}"}}, {add_query: {a: again}, remove_query: [b c]}]`,
			hop{"GET /gateway/orders/1/items/7?a=1&b=2&%61=3&c HTTP/1.1\r\nHost: h\r\nX-Odd: a?b=c #%41;\r\n\r\n", "DELETE /base/v2/items/7/a%3Fb%3Dc%20%23%2541%3B?c&a=x%20y%26z&d=DELETE&a=again HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "X-Odd: a?b=c #%41;\r\nVia: 1.1 postern\r\n\r\n"},
			hop{ok, ok},
		},
		{
			"a whole body, with values escaped for where they stand",
			`request: [{when: {any: [{variable: "${request.httpMethod}", equals: POST}]}, body: {text: '{"who": ${request.headers.X-Who}, "was": ${request.payload}, "a": ${request.payload.jsonPath[$.a]}, "b": "${request.payload.jsonPath[$.b]}", "none": ${request.payload.jsonPath[$.z]}}'}}]`,
			hop{"POST /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-mine\r\nContent-MD5: x\r\nX-Who: \",\"admin\":true\r\nContent-Length: 23\r\n\r\n{\"a\":[1,2.50],\"b\":\"\\\"\"}", "POST /base/x HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "X-Who: \",\"admin\":true\r\nContent-Type: application/json\r\nVia: 1.1 postern\r\nContent-Length: 100\r\n\r\n" +
				`{"who": "\",\"admin\":true", "was": {"a":[1,2.50],"b":"\""}, "a": [1,2.50], "b": "\"", "none": null}`},
			hop{ok, ok},
		},
		{
			"values in JSON, all else as it came",
			`request: [{body: {json: {$.a.b: "${request.headers.X-B}", $.n: 7, "$.l[*].x": '{"y": "${request.httpMethod}"}', $.t: "is ${apiName}", "$.no[3]": x}, remove: ["$['c d']", "$.l[0].z"]}}]`,
			hop{"PUT /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nContent-Type: application/vnd.a+json\r\nTransfer-Encoding: chunked\r\n\r\n30\r\n{\"z\": 1.0 ,\"c d\":[2],\"l\":[ {\"z\":1} , {} ],\"n\":6}\r\n0\r\n\r\n", "PUT /base/x HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "Content-Type: application/vnd.a+json\r\nVia: 1.1 postern\r\nContent-Length: 93\r\n\r\n" +
				`{"z": 1.0,"l":[ {"x":{"y": "PUT"}} , {"x":{"y": "PUT"}} ],"n":7,"a":{"b":""},"t":"is orders"}`},
			hop{ok, ok},
		},
		{
			"a body for a request that has none",
			`request: [{method: POST, body: {content_type: xml, text: "<a b='${request.query.a}'>${request.query.b}</a>"}}]`,
			hop{"GET /gateway/orders/1/x?a=%3C'&b=%26 HTTP/1.1\r\nHost: h\r\n\r\n", "POST /base/x?a=%3C'&b=%26 HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "Content-Type: application/xml\r\nVia: 1.1 postern\r\nContent-Length: 26\r\n\r\n<a b='&lt;&#39;'>&amp;</a>"},
			hop{ok, ok},
		},
		{
			"none for a GET",
			`request: [{body: {text: "{}"}}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{ok, ok},
		},
		{
			"a method that expects a body says that there is none",
			`request: [{method: PATCH}]`,
			hop{"GET /gateway/orders/1 HTTP/1.1\r\nHost: h\r\n\r\n", "PATCH /base HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "Via: 1.1 postern\r\nContent-Length: 0\r\n\r\n"},
			hop{ok, ok},
		},
		{
			"HEAD stays HEAD",
			`request: [{method: POST, set_headers: {X-Is: "${request.httpMethod} ${inboundHttpMethod}"}}]`,
			hop{"HEAD /gateway/orders/1 HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD /base HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "X-Is: HEAD HEAD\r\nVia: 1.1 postern\r\n\r\n"},
			hop{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
		},
		{
			"an answer's status, reason, fields and body",
			`response: [{when: {all: [{variable: "${response.statusCode}", equals: "200"}, {variable: "${response.payload.jsonPath[$.made]}", equals: "true"}]}, status: 201, reason: "Made by ${apiName}", set_headers: {Location: "/x/${response.payload.jsonPath[$.id]}"}, add_headers: {Set-Cookie: b=2}, remove_headers: [Server], body: {remove: [$.id], json: {$.by: "${request.query.a}"}}}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{
				"HTTP/1.1 200 OK\r\nServer: s\r\nSet-Cookie: a=1\r\nETag: \"e\"\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{\"id\": 5, \"made\":true}",
				"HTTP/1.1 201 Made by orders\r\nSet-Cookie: a=1\r\nContent-Type: application/json\r\nLocation: /x/5\r\nSet-Cookie: b=2\r\nContent-Length: 22\r\n\r\n{\"made\":true,\"by\":\"1\"}",
			},
		},
		{
			"a reason of one's own, or the status's",
			`response: [{when: {any: [{variable: "${response.statusMessage}", matches: "^(Odd|Even)$"}]}, status: 404}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{"HTTP/1.1 200 Even\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nok"},
		},
		{
			"the body of the request in an answer",
			`response: [{body: {content_type: text, text: "you sent ${request.payload}"}}]`,
			hop{"POST /gateway/orders/1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", "POST /base/x HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "Via: 1.1 postern\r\nContent-Length: 2\r\n\r\nhi"},
			hop{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\nDigest: x\r\n\r\n", "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nyou sent hi\r\n0\r\nX-T: 1\r\n\r\n"},
		},
		{
			"no body for 204",
			`response: [{status: 204}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{ok, "HTTP/1.1 204 No Content\r\n\r\n"},
		},
		{
			"an empty one for what was 304",
			`response: [{status: 200}, {body: {text: "{}"}}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{"HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		},
		{
			"HEAD is told nothing of a body that would be another one",
			`response: [{body: {text: "{}"}}]`,
			hop{"HEAD /gateway/orders/1 HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD /base HTTP/1.1\r\nHost: TARGET\r\n" + forwarded("h") + "Via: 1.1 postern\r\n\r\n"},
			hop{"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"},
		},
		{
			"a part of something is left alone",
			`response: [{body: {text: "{}"}, set_headers: {X-A: b}}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok"},
		},
		{
			"what is no JSON is left alone",
			`response: [{body: {json: {$.a: b}}}]`,
			hop{plain, get("/items/7?a=1&b=2", "")},
			hop{ok, ok},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, u := transforming(t, tt.transform, tt.answer.sent)
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
