package gateway

import (
	"fmt"
	"strings"
	"testing"
)

// Each parameter of the templates requestTransformation, responseTransformation,
// setMediaType and customHttpHeaders changes the request or the answer, in the words
// that stand for it here.
func TestTransformations(t *testing.T) {
	const (
		conditions = `{any: [{variable: "${request.httpMethod}", equals: POST}, {variable: "${request.headers.X-B}", exists: true}]}`
		key        = "APIKey: e10a54ce-62f5-42ba-b5cb-a3bace7c39ab"
		setKey     = `set_headers: {APIKey: e10a54ce-62f5-42ba-b5cb-a3bace7c39ab}`
	)
	for _, tt := range []struct {
		parameter, transform string
		request, fields      string // method and rest; fields
		sent, answer         string // what must be in the forwarded request, and in the answer; "!" before: must not be
	}{
		{"transformationConditions absent", `request: [{` + setKey + `}]`, "GET /x", "", key, ""},
		{"logicalConnector OR, the first", `request: [{when: ` + conditions + `, ` + setKey + `}]`, "POST /x", "", key, ""},
		{"logicalConnector OR, the second", `request: [{when: ` + conditions + `, ` + setKey + `}]`, "GET /x", "X-B: 1", key, ""},
		{"logicalConnector OR, neither", `request: [{when: ` + conditions + `, ` + setKey + `}]`, "GET /x", "", "!APIKey", ""},
		{"logicalConnector AND, one", `request: [{when: ` + strings.Replace(conditions, "any", "all", 1) + `, ` + setKey + `}]`, "POST /x", "", "!APIKey", ""},
		{"logicalConnector AND, both", `request: [{when: ` + strings.Replace(conditions, "any", "all", 1) + `, ` + setKey + `}]`, "POST /x", "X-B: 1", key, ""},
		{"transformationConditionOperator equals, another case", `request: [{when: {all: [{variable: "${request.headers.X-B}", equals: b}]}, ` + setKey + `}]`, "GET /x", "X-B: B", "!APIKey", ""},
		{"transformationConditionOperator equalsIgnoreCase", `request: [{when: {all: [{variable: "${request.headers.X-B}", equals_ignore_case: b}]}, ` + setKey + `}]`, "GET /x", "X-B: B", key, ""},
		{"transformationConditionOperator exists", `request: [{when: {all: [{variable: "${request.query.b}", exists: true}]}, ` + setKey + `}]`, "GET /x?b=1", "", key, ""},
		{"transformationVariable of the payload", `request: [{when: {all: [{variable: "${request.payload.jsonPath[$.a]}", equals: "1"}]}, ` + setKey + `}]`, "POST /x", "BODY", key, ""},
		{"remove a header", `request: [{remove_headers: [x-Gateway-APIKey]}]`, "GET /x", "X-Gateway-APIKey: k", "!Gateway", ""},
		{"remove of nothing", `request: [{remove_headers: []}]`, "GET /x", "X-Gateway-APIKey: k", "X-Gateway-APIKey: k", ""},
		{"remove a parameter", `request: [{remove_query: [a]}]`, "GET /x?a=1&b=2", "", "/x?b=2 ", ""},
		{"remove from the payload", `request: [{body: {remove: [$.a]}}]`, "POST /x", "BODY", `{"b":[2]}`, ""},
		{"addOrModify a header, there already", `request: [{` + setKey + `}]`, "GET /x", "apikey: k", key, ""},
		{"addOrModify a parameter", `request: [{set_query: {a: "${request.headers.X-B}"}}]`, "GET /x?a=1", "X-B: 2", "/x?a=2 ", ""},
		{"addOrModify the path", `request: [{path: "/v2/${sys:resource_path}"}]`, "GET /x", "", "GET /v2/x ", ""},
		{"addOrModify the payload", `request: [{body: {json: {"$.b[0]": "${request.query.q}"}}}]`, "POST /x?q=n", "BODY", `{"a":1,"b":["n"]}`, ""},
		{"methodTransformation CUSTOM", `request: [{` + setKey + `}]`, "POST /x", "", "POST /x", ""},
		{"methodTransformation PUT", `request: [{method: PUT}]`, "POST /x", "", "PUT /x", ""},
		{"payloadTransformation of a request", `request: [{body: {content_type: text, text: "was ${request.payload}"}}]`, "POST /x", "BODY", `was {"a":1,"b":[2]}`, ""},
		{"transformationConditions of an answer", `response: [{when: {any: [{variable: "${request.httpMethod}", equals: POST}]}, ` + setKey + `}]`, "POST /x", "", "", key},
		{"transformationConditions of an answer, not met", `response: [{when: {any: [{variable: "${request.httpMethod}", equals: POST}]}, ` + setKey + `}]`, "GET /x", "", "", "!APIKey"},
		{"statusTransformation statusCode", `response: [{status: 202}]`, "GET /x", "", "", "HTTP/1.1 202 Accepted\r\n"},
		{"statusTransformation statusMessage", `response: [{reason: "${response.statusMessage} indeed"}]`, "GET /x", "", "", "HTTP/1.1 200 Fine indeed\r\n"},
		{"payloadTransformation of an answer", `response: [{body: {text: '{"ids": ${response.payload.jsonPath[[*][''id'']]}}'}}]`, "GET /x", "", "", `{"ids": 7}`},
		{"restHeaderTransformation addOrModify", `response: [{set_headers: {Server: "${request.headers.X-B}"}}]`, "GET /x", "X-B: b", "", "Server: b\r\n"},
		{"restHeaderTransformation remove", `response: [{remove_headers: [server]}]`, "GET /x", "", "", "!Server"},
		{"defaultContentType, absent", mediaType, "POST /x", "", "Content-Type: application/json\r\n", ""},
		{"defaultContentType, present", mediaType, "POST /x", "content-type: a/b", "content-type: a/b\r\n", ""},
		{"defaultAccept, absent", mediaType, "GET /x", "", "Accept: application/xml\r\n", ""},
		{"defaultAccept, present", mediaType, "GET /x", "Accept: a/b", "!application/xml", ""},
		{"headerKey and headerValue", `request: [{set_headers: {Accept: application/json}}]`, "GET /x", "accept: a/b", "Accept: application/json\r\n", ""},
	} {
		t.Run(tt.parameter, func(t *testing.T) {
			g, u := transforming(t, tt.transform, "HTTP/1.1 200 Fine\r\nServer: s\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n[{\"id\": 7}]")
			method, rest, _ := strings.Cut(tt.request, " ")
			body := ""
			if tt.fields == "BODY" {
				body = `{"a":1,"b":[2]}`
				tt.fields = fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d", len(body))
			}
			if tt.fields != "" {
				tt.fields += "\r\n"
			}
			answer := g.do(method + " /gateway/orders/1" + rest + " HTTP/1.1\r\nHost: h\r\n" + tt.fields + "\r\n" + body)
			holds(t, "forwarded", strings.Replace(u.next(), "/base", "", 1), tt.sent)
			holds(t, "answered", answer, tt.answer)
		})
	}
}

// mediaType is setMediaType.
const mediaType = `request: [{when: {all: [{variable: "${request.headers.Content-Type}", exists: false}]}, set_headers: {Content-Type: application/json}}, {when: {all: [{variable: "${request.headers.Accept}", exists: false}]}, set_headers: {Accept: application/xml}}]`

// holds looks for a part of a message, or for its absence.
func holds(t *testing.T, what, text, part string) {
	t.Helper()
	part, none := strings.CutPrefix(part, "!")
	if strings.Contains(text, part) == none {
		t.Errorf("%s %q, want %q (not: %v)", what, text, part, none)
	}
}
