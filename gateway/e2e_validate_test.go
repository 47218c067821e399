package gateway

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// orders is the definition that the tests of validate compare with.
const ordersDefinition = `
openapi: 3.1.0
paths:
  /orders:
    get:
      parameters:
      - {name: limit, in: query, schema: {type: integer, maximum: 100}}
      - {name: X-Tenant, in: header, required: true, schema: {pattern: "^t[0-9]+$"}}
      - {name: sid, in: cookie, required: true, schema: {type: string, format: uuid}}
      responses:
        "200":
          description: all
          headers: {X-Total: {required: true, schema: {type: integer}}}
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
        "204": {description: none}
        4XX: {description: no, content: {application/problem+json: {schema: {type: object}}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"201": {description: made}}
  "/orders/{id}":
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
    delete: {responses: {"204": {description: gone}}}
components:
  schemas:
    Order:
      type: object
      required: [item, qty]
      properties:
        id: {type: integer, readOnly: true}
        item: {type: string}
        qty: {type: integer, minimum: 1}
        key: {type: string, writeOnly: true}
      additionalProperties: false
`

// answersInFields answers with what the fields X-Status, X-Body, X-Type and
// X-Field of a request say.
func answersInFields(u *target, p *peer) {
	for {
		request := p.request()
		if request == "" {
			return
		}
		u.seen <- request
		status, body := field(request, "X-Status"), field(request, "X-Body")
		if status == "" {
			status = "200 OK"
		}
		text := "HTTP/1.1 " + status + "\r\n"
		if kind := field(request, "X-Type"); kind != "" {
			text += "Content-Type: " + kind + "\r\n"
		}
		if more := field(request, "X-Field"); more != "" {
			text += more + "\r\n"
		}
		if !strings.HasPrefix(status, "204") {
			text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		if strings.HasPrefix(request, "HEAD") {
			body = ""
		}
		p.send(text + "\r\n" + body)
	}
}

// listed is a problem with faults, whole.
func listed(status, code, title string, faults ...string) string {
	number, _, _ := strings.Cut(status, " ")
	body := fmt.Sprintf(`{"type":"urn:postern:problem:%s","title":"%s","status":%s,"instance":"urn:postern:request:r-1","code":"%[1]s","errors":[%[4]s]}`+"\n",
		code, title, number, strings.Join(faults, ","))
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\nCache-Control: no-store\r\nX-Request-Id: r-1\r\n\r\n%s", status, len(body), body)
}

func fault(in, pointer, detail string) string {
	return fmt.Sprintf(`{"in":"%s","pointer":"%s","detail":"%s"}`, in, pointer, detail)
}

func invalidRequest(faults ...string) string {
	return listed("400 Bad Request", "request_invalid", "The request is not as the API defines it", faults...)
}

func invalidAnswer(faults ...string) string {
	return listed("502 Bad Gateway", "answer_invalid", "The service answered otherwise than the API defines it", faults...)
}

// validated is a case: what validate says, a request, and the whole answer, or
// the status of one that passed.
type validated struct {
	name, validate string
	request        string
	fields         []string
	body           string
	want           string
}

const passed = "passes"

// playValidated plays the cases, each at an API of its own.
func playValidated(t *testing.T, cases []validated) *deployment {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "orders.yaml"), ordersDefinition)
	u := newTarget(t, answersInFields)
	text := "ports: {http: \"127.0.0.1:0\"}\nadmin_api: {listen: \"127.0.0.1:0\"}\nlogging: {level: debug}\nlimits: {buffered_body: 64KiB}\napis:\n"
	for i, tt := range cases {
		text += fmt.Sprintf("- name: a%d\n  definition: {file: orders.yaml}\n  base_path: /%d\n  upstream: {targets: [{url: \"http://%s\"}]}\n  policies: {identify: none, validate: %s}\n", i, i, u.address, tt.validate)
	}
	d := deploy(t, dir, text)
	for i, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.request, " ")
			head := append([]string{fmt.Sprintf("%s /%d%s HTTP/1.1", method, i, path), "Host: h", "X-Request-Id: r-1"}, tt.fields...)
			if tt.body != "" {
				head = append(head, fmt.Sprintf("Content-Length: %d", len(tt.body)))
			}
			got := steady(d.do(lines(head...) + tt.body))
			if tt.want == passed {
				if s := status(got); s >= 400 {
					t.Errorf("refused: %s", got)
				} else if sent := u.next(); tt.body != "" && !strings.HasSuffix(sent, "\r\n\r\n"+tt.body) {
					t.Errorf("forwarded %q", sent)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(tt.want, "502 ") {
				u.next()
			}
		})
	}
	return d
}

// Each parameter changes the answer: with it a message is refused that passes
// without.
func TestValidateEndToEnd(t *testing.T) {
	const (
		json, sid = "Content-Type: application/json", "Cookie: sid=2eb8aa08-aa98-11ea-b4aa-73b441d16380"
		two       = `{"item": 7, "qty": 0, "more": 1}`
		off       = "{request: {path: true}}"
	)
	asked := []string{"X-Tenant: t1", sid}
	answers := func(more ...string) []string { return append(more, asked...) }
	d := playValidated(t, []validated{
		{"schema", "{request: {schema: true}}", "POST /orders", []string{json}, two, invalidRequest(
			fault("body", "/item", "must be string"), fault("body", "/more", "is not known here"), fault("body", "/qty", "must be at least 1"))},
		{"schema: false", off, "POST /orders", []string{json}, two, passed},
		{"schema, good", "{request: {schema: true}}", "POST /orders", []string{json}, `{"item": "a", "qty": 1}`, passed},
		{"no body", "{request: {schema: true}}", "POST /orders", []string{"Content-Length: 0"}, "", invalidRequest(fault("body", "", "is missing"))},
		{"no body, schema: false", off, "POST /orders", []string{"Content-Length: 0"}, "", passed},
		{"query", "{request: {query: true}}", "GET /orders?limit=1000", nil, "", invalidRequest(fault("query", "/limit", "must be at most 100"))},
		{"query: false", off, "GET /orders?limit=1000", nil, "", passed},
		{"query, another parameter", "{request: {query: true}}", "GET /orders?Limit=1000", nil, "", passed},
		{"unknown_query", "{request: {query: true, unknown_query: refuse}}", "GET /orders?Limit=1000", nil, "", invalidRequest(fault("query", "/Limit", "is not known here"))},
		{"path", "{request: {path: true}}", "GET /orders/seven", nil, "", invalidRequest(fault("path", "/id", "must be integer"))},
		{"path: false", "{request: {query: true}}", "GET /orders/seven", nil, "", passed},
		{"cookies", "{request: {cookies: true}}", "GET /orders", []string{"Cookie: sid=1"}, "", invalidRequest(fault("cookie", "/sid", "must be a uuid"))},
		{"cookies: false", off, "GET /orders", []string{"Cookie: sid=1"}, "", passed},
		{"headers", "{request: {headers: true}}", "GET /orders", nil, "", invalidRequest(fault("header", "/x-tenant", "is missing"))},
		{"headers: false", off, "GET /orders", nil, "", passed},
		{
			"content_types", "{request: {content_types: true}}", "POST /orders",
			[]string{"Content-Type: text/plain"},
			"x",
			listed("415 Unsupported Media Type", "unsupported_media_type", "The type or encoding of the request body is not supported", fault("header", "/Content-Type", "is not among those of the definition")),
		},
		{"content_types: false", off, "POST /orders", []string{"Content-Type: text/plain"}, "x", passed},
		{
			"content_types, none", "{request: {content_types: true}}", "DELETE /orders/1",
			[]string{"Content-Type: text/plain"},
			"x",
			listed("415 Unsupported Media Type", "unsupported_media_type", "The type or encoding of the request body is not supported", fault("header", "/Content-Type", "is not among those of the definition")),
		},
		{"all parts", "{request: {schema: true, query: true, path: true, cookies: true, headers: true, content_types: true}}", "GET /orders?limit=a", nil, "", invalidRequest(
			fault("query", "/limit", "must be integer"), fault("header", "/x-tenant", "is missing"), fault("cookie", "/sid", "is missing"))},
		{"required_headers, and", "{request: {required_headers: {headers: [{name: X-A, equals: one}, {name: X-B}]}}}", "GET /anything", []string{"X-A: two"}, "", invalidRequest(
			fault("header", "/X-A", "is not what it must be"), fault("header", "/X-B", "is missing"))},
		{"required_headers, and, good", "{request: {required_headers: {headers: [{name: X-A, equals: one}, {name: X-B}]}}}", "GET /anything", []string{"X-A: ONE", "X-B: "}, "", passed},
		{"required_headers, and twice", "{request: {required_headers: {headers: [{name: X-A, equals: one}]}}}", "GET /anything", []string{"X-A: one", "X-A: two"}, "", invalidRequest(fault("header", "/X-A", "is not what it must be"))},
		{"required_headers, or", "{request: {required_headers: {combine: or, headers: [{name: X-A, equals: one}, {name: X-B}]}}}", "GET /anything", []string{"X-A: two"}, "", invalidRequest(
			fault("header", "", "one of X-A, X-B must be there, and as it must be"))},
		{"required_headers, or, good", "{request: {required_headers: {combine: or, headers: [{name: X-A, equals: one}, {name: X-B}]}}}", "GET /anything", []string{"X-A: one"}, "", passed},
		{"undefined", off, "GET /invoices", nil, "", refusal("404 Not Found", "not_found", "There is nothing here")},
		{"undefined method", off, "PUT /orders", nil, "", refusal("405 Method Not Allowed", "method_not_allowed", "The method is not allowed here", "Allow: GET, POST")},
		{"undefined: pass", "{undefined: pass, request: {path: true}}", "PUT /orders", nil, "", passed},
		{"read-only", "{request: {schema: true}}", "POST /orders", []string{json}, `{"id": 1, "item": "a", "qty": 1}`, invalidRequest(fault("body", "/id", "is read-only: it must not be sent"))},
		{"answer", "{response: {schema: true}}", "GET /orders", answers("X-Body: [{\"item\": 7}]", "X-Type: application/json"), "", invalidAnswer(
			fault("body", "/0/item", "must be string"), fault("body", "/0/qty", "is missing"))},
		{"answer, schema: false", "{response: {statuses: true}}", "GET /orders", answers("X-Body: [{\"item\": 7}]", "X-Type: application/json"), "", passed},
		{
			"answer, good", "{response: {schema: true, headers: true, content_types: true, statuses: true}}", "GET /orders", answers("X-Body: []", "X-Type: application/json", "X-Field: X-Total: 0"), "",
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Total: 0\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\n[]",
		},
		{"answer, write-only", "{response: {schema: true}}", "GET /orders/1", answers("X-Body: {\"item\": \"a\", \"qty\": 1, \"key\": \"secret\"}", "X-Type: application/json"), "", invalidAnswer(
			fault("body", "/key", "is write-only: it must not be given out"))},
		{"answer without a body", "{response: {schema: true}}", "GET /orders", answers(), "", invalidAnswer(fault("body", "", "is missing"))},
		{"answer's headers", "{response: {headers: true}}", "GET /orders", answers("X-Field: X-Total: many"), "", invalidAnswer(fault("header", "/x-total", "must be integer"))},
		{"answer's headers: false", "{response: {statuses: true}}", "GET /orders", answers("X-Field: X-Total: many"), "", passed},
		{"answer's content type", "{response: {content_types: true}}", "GET /orders", answers("X-Body: <p>", "X-Type: text/html"), "", invalidAnswer(fault("header", "/Content-Type", "is not among those of the definition"))},
		{"answer's content type: false", "{response: {statuses: true}}", "GET /orders", answers("X-Body: <p>", "X-Type: text/html"), "", passed},
		{"answer's status", "{response: {statuses: true}}", "GET /orders", answers("X-Status: 202 Soon"), "", invalidAnswer(fault("status", "", "is not among those of the definition"))},
		{"answer's status: false", "{response: {schema: true}}", "GET /orders", answers("X-Status: 202 Soon"), "", passed},
		{"a class of statuses", "{response: {schema: true}}", "GET /orders", answers("X-Status: 418 No", "X-Body: []", "X-Type: application/problem+json"), "", invalidAnswer(fault("body", "", "must be object"))},
		{"answer's required_headers", "{response: {required_headers: {headers: [{name: ETag}]}}}", "GET /anything", nil, "", invalidAnswer(fault("header", "/ETag", "is missing"))},
		{"answer's required_headers, good", "{response: {required_headers: {headers: [{name: ETag}]}}}", "GET /anything", []string{"X-Field: ETag: 1"}, "", passed},
	})
	if got := d.metric(`postern_validation_faults_total{message="request",in="query"}`); got != "3" {
		t.Errorf("%s faults of queries", got)
	}
	if got := d.metric(`postern_validation_faults_total{message="response",in="status"}`); got != "1" {
		t.Errorf("%s faults of statuses", got)
	}
}
