package gateway

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/gateway/exchange"
	"postern/gateway/problem"
)

// worded is a gateway that says something else at each level.
const worded = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
faults: {format: webmethods}
applications: [{name: shop, apis: [keyed], identify: {api_keys: ["0123456789abcdef"]}}]
policies:
- {name: partners, when: {tags: [partner]}, policies: {faults: {default: {content_type: text, body: "partner: ${problem.code}"}}}}
apis:
- name: plain
  version: "1"
  upstream: {targets: [{url: "http://TARGET"}]}
  resources: [{path: "/items/{id}", methods: [GET, HEAD]}]
  policies: {identify: none, protocols: [https]}
- name: keyed
  version: "1"
  upstream: {targets: [{url: "http://TARGET"}]}
  policies: {identify: {by: [api_key]}}
- name: partner
  version: "1"
  tags: [partner]
  upstream: {targets: [{url: "http://TARGET"}]}
  resources: [{path: /open}, {path: /scoped, scopes: [scoped]}]
  scopes: [{name: scoped, policies: {faults: {native: replace}}}]
  policies: {identify: none}
- name: orders
  version: "1"
  tags: [partner]
  upstream: {targets: [{url: "http://TARGET"}]}
  policies:
    identify: none
    faults:
      native: replace
      rules:
      - when: {status: [503], headers: [{name: X-Client, equals: old}]}
        answer: {status: 500, body: '{"failed": ${response.statusCode}, "cause": "${response.headers.X-Cause}", "who": ${request.headers.X-Who}}'}
      - when: {status: [4xx]}
        answer: {content_type: text, body: "${request.httpMethod} ${sys:resource_path}: ${response.statusMessage}", also: [{content_type: xml, body: '<e path="${request.path}">${problem.title}</e>'}]}
`

var wordedMoment = regexp.MustCompile(`Time:[0-2]\d:\d\d:\d\d [AP]M, Date:[A-Z][a-z]{2} \d{1,2}, \d{4},`)

// answersAsAsked answers as the request asks for.
func answersAsAsked(u *target, p *peer) {
	for {
		request := p.request()
		if request == "" {
			return
		}
		u.seen <- request
		_, answer, _ := strings.Cut(field(request, "X-Answer"), " ")
		body := "x"
		if strings.HasPrefix(request, "HEAD ") || strings.HasPrefix(answer, "304") {
			body = ""
		}
		p.send("HTTP/1.1 " + answer + "\r\nContent-Type: text/html\r\nETag: \"e\"\r\nContent-Encoding: gzip\r\nX-Cause: a \"b\"\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\n" + body)
	}
}

// Raw request in, whole raw answer out.
func TestFaultsEndToEnd(t *testing.T) {
	u := newTarget(t, answersAsAsked)
	g := startText(t, strings.ReplaceAll(worded, "TARGET", u.address))
	vendor := func(words, service, operation string) string {
		return `{"Exception":"API Gateway encountered an error. Error Message: ` + words + `. Request Details: Service - ` + service + `, Operation - ` + operation +
			`, Invocation Time:AT, Date:AT,  Client IP - 127.0.0.1, User - Default and Application:sys:defaultApplication"}`
	}
	answer := func(status, contentType, more, body string) string {
		return "HTTP/1.1 " + status + "\r\nContent-Type: " + contentType + "\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\nCache-Control: no-store\r\nX-Request-Id: r\r\n" + more + "\r\n" + body
	}
	nosniff := "X-Content-Type-Options: nosniff\r\n"
	for _, tt := range []struct {
		name    string
		request string
		fields  []string
		want    string
	}{
		{"no API", "GET /other", nil, answer("404 Not Found", "application/json", "", vendor("There is nothing here", "Unknown", "Unknown"))},
		{"bad path", "GET /a/../b", nil, answer("400 Bad Request", "application/json", "", vendor("The path is not acceptable", "Unknown", "Unknown"))},
		{"protocol", "GET /gateway/plain/1/items/7", nil, answer("403 Forbidden", "application/json", "", vendor("Transport protocol not supported", "plain", "/items/{id}"))},
		{"method", "PUT /gateway/plain/1/items/7", nil, answer("405 Method Not Allowed", "application/json", "Allow: GET, HEAD\r\n", vendor("The method is not allowed here", "plain", "Unknown"))},
		{"no key", "GET /gateway/keyed/1/a/b", nil, answer("401 Unauthorized", "application/json", "Www-Authenticate: ApiKey realm=\"postern\"\r\n", vendor(" Unauthorized application request", "keyed", "/a/b"))},
		{"HEAD", "HEAD /gateway/plain/1/items/7", nil, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: LENGTH\r\nCache-Control: no-store\r\nX-Request-Id: r\r\n\r\n"},
		{"level of several APIs", "GET /gateway/partner/1/none", nil, answer("404 Not Found", "text/plain; charset=utf-8", nosniff, "partner: not_found")},
		{"native passes", "GET /gateway/partner/1/open", []string{"X-Answer: = 500 Odd"}, "HTTP/1.1 500 Odd\r\nContent-Type: text/html\r\nETag: \"e\"\r\nContent-Encoding: gzip\r\nX-Cause: a \"b\"\r\nRetry-After: 7\r\nX-Request-Id: r\r\nContent-Length: 1\r\n\r\nx"},
		{"native replaced by a scope", "GET /gateway/partner/1/scoped", []string{"X-Answer: = 500 Odd"}, answer("500 Internal Server Error", "application/problem+json", "Retry-After: 7\r\n", `{"type":"urn:postern:problem:upstream_fault","title":"The service answered with an error","status":500,"instance":"urn:postern:request:r","code":"upstream_fault"}`+"\n")},
		{"rule by a field", "GET /gateway/orders/1/a", []string{"X-Answer: = 503 Busy", "X-Client: OLD", `X-Who: ","admin":true,"`}, answer("500 Internal Server Error", "application/json", "Retry-After: 7\r\n"+nosniff, `{"failed": 503, "cause": "a \"b\"", "who": "\",\"admin\":true,\""}`)},
		{"rule does not fit", "GET /gateway/orders/1/a", []string{"X-Answer: = 503 Busy"}, answer("503 Service Unavailable", "application/problem+json", "Retry-After: 7\r\n", `{"type":"urn:postern:problem:upstream_fault","title":"The service answered with an error","status":503,"instance":"urn:postern:request:r","code":"upstream_fault"}`+"\n")},
		{"rule by a class", "DELETE /gateway/orders/1/a/b", []string{"X-Answer: = 404 Not There"}, answer("404 Not Found", "text/plain; charset=utf-8", "Retry-After: 7\r\n"+nosniff, "DELETE a/b: Not There")},
		{"another form", "GET /gateway/orders/1/a", []string{"X-Answer: = 404 Gone", "Accept: application/xml"}, answer("404 Not Found", "application/xml", "Retry-After: 7\r\n"+nosniff, `<e path="/gateway/orders/1/a">The service answered with an error</e>`)},
		{"HEAD of a replaced answer", "HEAD /gateway/orders/1/a", []string{"X-Answer: = 404 Gone"}, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: LENGTH\r\nCache-Control: no-store\r\nX-Request-Id: r\r\nRetry-After: 7\r\nX-Content-Type-Options: nosniff\r\n\r\n"},
		{"304 is untouched", "GET /gateway/orders/1/a", []string{"X-Answer: = 304 Same"}, "HTTP/1.1 304 Same\r\nContent-Type: text/html\r\nETag: \"e\"\r\nContent-Encoding: gzip\r\nX-Cause: a \"b\"\r\nRetry-After: 7\r\nX-Request-Id: r\r\nContent-Length: 1\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := steady(g.do(tt.request + " HTTP/1.1\r\nHost: h\r\nX-Request-Id: r\r\n" + lines(tt.fields...)))
			got = wordedMoment.ReplaceAllString(got, "Time:AT, Date:AT,")
			if strings.Contains(got, "Time:AT") || strings.HasPrefix(tt.request, "HEAD ") {
				got = regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(got, "Content-Length: LENGTH")
				tt.want = regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(tt.want, "Content-Length: LENGTH")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// A request that was not understood is refused in the same words.
func TestFaultsOfMalformedRequests(t *testing.T) {
	g := startText(t, strings.ReplaceAll(worded, "TARGET", "127.0.0.1:9"))
	got := g.do("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
	wantStatus(t, got, 400)
	if !strings.Contains(got, `{"Exception":"API Gateway encountered an error. Error Message: The request is malformed. `) || !strings.Contains(got, "Connection: close\r\n") {
		t.Errorf("answered %q", got)
	}
}

// The connection of an answer that was replaced stays in use if its body is here,
// and ends if that is long.
func TestReplacedAnswersKeepTheirConnection(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		connections  int
	}{
		{"short", "HTTP/1.1 500 Odd\r\nContent-Length: 3\r\n\r\nabc", 1},
		{"in chunks", "HTTP/1.1 500 Odd\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1},
		{"without a body", "HTTP/1.1 500 Odd\r\nContent-Length: 0\r\n\r\n", 1},
		{"never ending", "HTTP/1.1 500 Odd\r\nContent-Length: 1000000\r\n\r\nabc", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newTarget(t, always(tt.answer))
			b := bundle{target: u.address, top: "faults: {native: replace, default: {content_type: text, body: replaced}}"}
			g := start(t, b)
			caller := g.dial()
			defer caller.Close()
			for range 3 {
				answer := caller.do(lines("POST / HTTP/1.1", "Host: h", "Content-Length: 2") + "hi")
				if status(answer) != 500 || payload(answer) != "replaced" {
					t.Errorf("answered %q", answer)
				}
			}
			if n := u.accepted(); n != tt.connections {
				t.Errorf("%d connections, want %d", n, tt.connections)
			}
		})
	}
}

// What an upstream says in its body decides what its caller is told.
func TestFaultsByPayload(t *testing.T) {
	u := newTarget(t, func(_ *target, p *peer) {
		for request := p.request(); request != ""; request = p.request() {
			body := field(request, "X-Body")
			p.send("HTTP/1.1 500 Odd\r\nContent-Type: " + field(request, "X-Type") + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
		}
	})
	g := startText(t, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
limits: {buffered_body: 1KiB}
apis:
- name: a
  version: "1"
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: none
    faults:
      native: replace
      rules:
      - {when: {payload: [{json_path: $.error.code, equals: "7"}, {json_path: $.error.id}]}, answer: {status: 409, body: '{"id": ${response.payload.jsonPath[$.error.id]}}'}}
      - {when: {payload: [{xpath: "/s:fault/s:code", namespaces: {s: urn:soap}, equals: busy}]}, answer: {status: 503, content_type: xml, body: '<busy>${response.payload.xpath[//*[local-name()="text"]]}</busy>'}}
      - {when: {payload: [{regex: "line (\\d+)", equals: "12"}]}, answer: {content_type: text, body: "twelve: ${response.payload}"}}
      default: {content_type: text, body: other}
`, u.address))
	caller := g.dial()
	defer caller.Close()
	for _, tt := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"JSONPath", "application/json", `{"error": {"code": 7, "id": "a\"b"}}`, 409, `{"id": "a\"b"}`},
		{"JSONPath, another value", "application/json", `{"error": {"code": 8, "id": "x"}}`, 500, "other"},
		{"JSONPath, one finds nothing", "application/json", `{"error": {"code": 7}}`, 500, "other"},
		{"XPath", "text/xml", `<fault xmlns="urn:soap"><code>busy</code><text>a &lt; b</text></fault>`, 503, "<busy>a &lt; b</busy>"},
		{"XPath, another namespace", "text/xml", `<fault xmlns="urn:other"><code>busy</code></fault>`, 500, "other"},
		{"XML that is none", "text/xml", `<fault xmlns="urn:soap"><code>busy`, 500, "other"},
		{"regex", "text/plain", "at line 12, see", 500, "twelve: at line 12, see"},
		{"regex, another group", "text/plain", "at line 13, see", 500, "other"},
		{"longer than may be held", "text/plain", "at line 12 " + repeat('x', 2000), 500, "other"},
		{"no body", "text/plain", "", 500, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := caller.do(lines("GET /gateway/a/1/x HTTP/1.1", "Host: h", "X-Type: "+tt.kind, "X-Body: "+tt.body))
			if status(answer) != tt.status || payload(answer) != tt.want {
				t.Errorf("answered %q, want %d %q", answer, tt.status, tt.want)
			}
		})
	}
	if n := u.accepted(); n != 1 {
		t.Errorf("%d connections, want that it stays in use", n)
	}
	if n := g.live.Load().bodies.Held(); n != 0 {
		t.Errorf("%d bytes are held for ever", n)
	}
}

// What other policies say in fields stays beside any words.
func TestFaultsBesideOtherPolicies(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 500 Odd\r\nAccess-Control-Allow-Origin: *\r\nVary: Accept\r\nContent-Length: 1\r\n\r\nx"))
	g := startText(t, fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
logging: {access: false}
apis:
- name: a
  version: "1"
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: none
    cors: {origins: ["https://shop.example.com"]}
    throttle: [{requests: 1, per: 24h}]
    faults: {native: replace, default: {content_type: text, body: "${problem.code}"}}
`, u.address))
	for _, tt := range []struct{ origin, want string }{
		{"https://evil.example.com", "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\nCache-Control: no-store\r\nX-Request-Id: r\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\n\r\norigin_not_allowed"},
		{"https://shop.example.com", "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\nCache-Control: no-store\r\nX-Request-Id: r\r\nVary: Accept\r\nX-Content-Type-Options: nosniff\r\nRatelimit-Policy: \"rule-1\";q=1;w=86400\r\nRatelimit: \"rule-1\";r=0;t=86400\r\nVary: Origin\r\nAccess-Control-Allow-Origin: https://shop.example.com\r\n\r\nupstream_fault"},
		{"https://shop.example.com", "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\nCache-Control: no-store\r\nX-Request-Id: r\r\nX-Content-Type-Options: nosniff\r\nRatelimit-Policy: \"rule-1\";q=1;w=86400\r\nRatelimit: \"rule-1\";r=0;t=86400\r\nRetry-After: SECONDS\r\nVary: Origin\r\nAccess-Control-Allow-Origin: https://shop.example.com\r\n\r\ntoo_many_requests"},
	} {
		got := steady(g.do(lines("GET /gateway/a/1/x HTTP/1.1", "Host: h", "X-Request-Id: r", "Origin: "+tt.origin)))
		got = regexp.MustCompile(`Retry-After: 86\d+`).ReplaceAllString(got, "Retry-After: SECONDS")
		got = regexp.MustCompile(`t=86\d+`).ReplaceAllString(got, "t=86400")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
}

// An upstream that refuses an upload which still runs: its answer is replaced, and
// the rest of the upload is nobody's request.
func TestReplacedAnswerToAnUpload(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		u.seen <- p.head()
		p.send("HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nmore")
		p.rest()
	})
	g := start(t, bundle{target: u.address, top: "faults: {native: replace, default: {content_type: text, body: replaced}}"})
	caller := g.dial()
	defer caller.Close()
	caller.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + repeat('a', 1000))
	u.next()
	answer := caller.answer("POST")
	if status(answer) != 413 || payload(answer) != "replaced" || field(answer, "Connection") != "close" {
		t.Errorf("answered %q", answer)
	}
	caller.ended()
}

// What was replaced is counted, and logged with why.
func TestReplacedAnswersAreAccountedFor(t *testing.T) {
	u := newTarget(t, always("HTTP/1.1 500 Odd\r\nContent-Length: 0\r\n\r\n"))
	b := bundle{target: u.address, top: "faults: {native: replace}"}
	d := deploy(t, t.TempDir(), strings.Replace(b.text(), "logging: {level: error, access: false}", "logging: {level: warn}", 1))
	wantStatus(t, d.do(lines("GET / HTTP/1.1", "Host: h", "X-Request-Id: r")), 500)
	line := d.accessLine("r")
	if line["code"] != "upstream_fault" || line["reason"] != "upstream answered with an error" || line["attempts"] != 1.0 || line["upstream"] != "http://"+u.address {
		t.Errorf("logged %v", line)
	}
	if n := d.metric(`postern_problems_total{code="upstream_fault"}`); n != "1" {
		t.Errorf("counted %q", n)
	}
	if code, text := d.get("/rest/microgateway/settings", ""); code != 200 || !strings.Contains(text, `"faults":{"format":"problem","native":"replace"}`) {
		t.Errorf("settings: %d %s", code, text)
	}
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), "native: replace", "native: pass", 1)) })
	if answer := d.do(lines("GET / HTTP/1.1", "Host: h")); !strings.HasPrefix(answer, "HTTP/1.1 500 Odd\r\n") {
		t.Errorf("answered %q after a reload", answer)
	}
}

// A panic, also one while an answer is worded, is told and lets go of everything.
func TestPanicsAreWorded(t *testing.T) {
	text := strings.Replace(shop, "apis:", "faults: {default: {content_type: text, body: \"sorry: ${problem.code}\"}}\napis:", 1)
	g, _ := newGateway(t, text, func(*exchange.Exchange) error { panic("boom") })
	x := newExchange(t, "GET", "/gateway/orders/orders")
	g.Handle(x)
	if body := string(x.HTTP.Response.Body()); body != "sorry: internal" || x.HTTP.Response.StatusCode() != 500 {
		t.Errorf("%d %s", x.HTTP.Response.StatusCode(), body)
	}
	x.Finish(exchange.End{Status: 500})

	g, _ = newGateway(t, text, func(x *exchange.Exchange) error {
		x.Tell = func(*exchange.Exchange, *problem.Problem) { panic("in words") }
		panic("boom")
	})
	x = newExchange(t, "GET", "/gateway/orders/orders")
	released := 0
	x.AtEnd(func(exchange.End) { released++ })
	g.Handle(x)
	if x.HTTP.Response.StatusCode() != 500 || !strings.Contains(string(x.HTTP.Response.Body()), `"code":"internal"`) {
		t.Errorf("%d %s", x.HTTP.Response.StatusCode(), x.HTTP.Response.Body())
	}
	x.Finish(exchange.End{Status: 500})
	if n := g.inFlight(); n != 0 || released != 1 {
		t.Errorf("%d exchanges are held for ever", n)
	}
}
