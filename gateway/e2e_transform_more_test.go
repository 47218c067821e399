package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// levelled is an API below several levels that transform; TARGET, ISSUER and KEYS are
// replaced.
const levelled = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
auth_servers:
- {name: corp, issuer: "ISSUER", local_introspection: {jwks_uri: "KEYS"}, audience: {any: [orders]}}
applications:
- {name: shop, apis: [orders], identify: {api_keys: [shop-key], claims: [{azp: shop}]}}
policies:
- {name: all, policies: {transform: {request: [{add_headers: {X-Trail: all}}], response: [{add_headers: {X-Trail: all}}]}}}
apis:
- name: orders
  version: "1"
  upstream: {targets: [{url: "http://TARGET"}], retry: {attempts: 2, on: [503]}}
  resources: [{path: /open/**}, {path: /admin, scopes: [admin]}]
  scopes:
  - name: admin
    policies:
      authorize: {claims: [{name: role, equals: admin}]}
      transform: {request: [{add_headers: {X-Trail: scope}}], response: [{add_headers: {X-Trail: scope}}]}
  policies:
    identify: {by: [jwt, api_key], api_key: {header: X-Key, query: key}}
    outbound: {api_key: {header: X-Out, value: own}}
    transform:
      request:
      - path: "${sys:resource_path}"
        set_headers:
          X-Trail: "${request.headers.X-Trail} api"
          X-Token: "${request.authorization.incomingToken}"
          X-Who: "${request.authorization.userName} ${request.authorization.claims.azp} ${request.application.name}"
          X-Auth: "${request.authorization.authHeader}"
          X-Api-Key: "${request.authorization.apiKey}"
          X-Out: transform
      - {when: {all: [{variable: "${sys:resource_path}", equals: open/up}]}, path: /admin, method: PUT, body: {content_type: text, text: "${request.correlationID}"}}
      response: [{add_headers: {X-Trail: api}}]
`

func TestTransformBetweenOthers(t *testing.T) {
	key := newSigner(t, "k1")
	i := openIssuer(t, key)
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), strings.NewReplacer("TARGET", u.address, "ISSUER", i.URL, "KEYS", i.URL+"/keys").Replace(levelled))
	token := key.sign(t, claims(i.URL, map[string]any{"azp": "shop", "role": "admin"}))
	weak := key.sign(t, claims(i.URL, map[string]any{"azp": "shop"}))
	for _, tt := range []struct {
		name, target, line, want, answer string
	}{
		{
			"levels, outermost first and last", "/admin", "Authorization: Bearer " + token,
			"GET /admin HTTP/1.1\r\nX-Trail: all api\r\nX-Token: " + token + "\r\nX-Who: alice shop shop\r\nX-Auth: Bearer " + token + "\r\nX-Trail: scope\r\nX-Out: own\r\n", "X-Trail: scope\r\nX-Trail: api\r\nX-Trail: all\r\n",
		},
		{"an API key in a field", "/open/x", "X-Key: shop-key", "GET /open/x HTTP/1.1\r\nX-Trail: all api\r\nX-Who: shop\r\nX-Api-Key: shop-key\r\nX-Out: own\r\n", "X-Trail: api\r\nX-Trail: all\r\n"},
		{"an API key in the query", "/open/x?key=shop-%6bey&a=1", "X-A: b", "GET /open/x?a=1 HTTP/1.1\r\nX-A: b\r\nX-Trail: all api\r\nX-Who: shop\r\nX-Api-Key: shop-key\r\nX-Out: own\r\n", "X-Trail: api\r\nX-Trail: all\r\n"},
		{"what is forwarded elsewhere was matched before", "/open/up", "Authorization: Bearer " + weak, "PUT /admin HTTP/1.1\r\nX-Trail: all api\r\nX-Token: " + weak + "\r\nX-Who: alice shop shop\r\nX-Auth: Bearer " + weak + "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Out: own\r\n", "X-Trail: api\r\nX-Trail: all\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := d.do(lines("GET /gateway/orders/1"+tt.target+" HTTP/1.1", "Host: h", "X-Request-Id: r-1", tt.line))
			request := u.next()
			first, rest, _ := strings.Cut(request, "\r\n")
			_, rest, _ = strings.Cut(rest, "X-Forwarded-Host: h\r\n")
			rest, _, _ = strings.Cut(rest, "Via: ")
			got := first + "\r\n" + strings.Replace(rest, "X-Request-Id: r-1\r\n", "", 1)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("forwarded (-want +got):\n%s", diff)
			}
			holds(t, "answered", answer, tt.answer)
		})
	}
	wantStatus(t, d.do(lines("GET /gateway/orders/1/admin HTTP/1.1", "Host: h", "Authorization: Bearer "+weak)), 403)
	d.do(lines("GET /gateway/orders/1/open/up HTTP/1.1", "Host: h", "X-Request-Id: r-9", "X-Key: shop-key"))
	if line := d.accessLine("r-9"); line["path"] != "/gateway/orders/1/open/up" || line["method"] != "GET" {
		t.Errorf("the log has another request: %v", line)
	}
}

// Where the API's prefix is forwarded too, it is not changed.
func TestTransformedPathBelowItsPrefix(t *testing.T) {
	u := newTarget(t, always(ok))
	g := startText(t, bundle{target: u.address, base: "/shop", upstream: "strip_prefix: false", top: `policies: [{name: all, policies: {transform: {request: [{path: "/v2${request.path}"}]}}}]`}.text())
	wantStatus(t, g.do("GET /shop/a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"), 200)
	if request := u.next(); !strings.HasPrefix(request, "GET /shop/v2/shop/a?b=c HTTP/1.1\r\n") {
		t.Errorf("the target was sent %q", request)
	}
}

// A body that was changed is sent once more where one fails, and asked for where its
// caller waits for that.
func TestTransformedBodyIsSentAgain(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			u.seen <- request
			status := "503 Busy"
			if len(u.seen) > 1 {
				status = "200 OK"
			}
			p.send("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n")
		}
	})
	g := startText(t, bundle{target: u.address, upstream: "retry: {attempts: 2, on: [503]}", top: "policies: [{name: all, policies: {transform: {request: [{body: {json: {$.b: 2}}}]}}}]"}.text())
	p := g.dial()
	p.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n")
	if got := p.head(); got != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("interim answer %q", got)
	}
	p.send(`{"a":1}`)
	wantStatus(t, p.answer("PUT"), 200)
	for range 2 {
		if request := u.next(); payload(request) != `{"a":1,"b":2}` || field(request, "Content-Length") != "13" || field(request, "Expect") != "" {
			t.Errorf("the target was sent %q", request)
		}
	}
}

// Codings and charsets are undone where a body is changed, and only there; what is
// changed has its coding again.
func TestTransformOfCodedBodies(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("{\"a\":\"\xfc\"}"))
	_ = z.Close()
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=ISO-8859-1\r\nContent-Encoding: gzip\r\nRepr-Digest: sha-256=:x:\r\nContent-Length: %d\r\n\r\n%s", zipped.Len(), zipped.Bytes())
	for _, tt := range []struct{ name, transform, want string }{
		{"changed", `response: [{body: {json: {$.b: "${request.query.b}"}}}]`, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{\"a\":\"ü\",\"b\":\"é\"}"},
		{"read only", `response: [{set_headers: {X-A: "${response.payload.jsonPath[$.a]}"}}]`, strings.Replace(answer, "Content-Length", "X-A: ü\r\nContent-Length", 1)},
		{"removed what is not there", `response: [{body: {remove: [$.z]}}]`, answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := transforming(t, tt.transform, answer)
			got := withoutID(g.do("GET /gateway/orders/1?b=%C3%A9 HTTP/1.1\r\nHost: h\r\n\r\n"))
			if tt.name == "changed" {
				got = unzipped(t, got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// unzipped is an answer with its body as it was before gzip, and no length.
func unzipped(t *testing.T, answer string) string {
	t.Helper()
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	length := fmt.Sprintf("\r\nContent-Length: %d", len(body))
	if !strings.Contains(head, length) {
		t.Errorf("a body of %d bytes after %q", len(body), head)
	}
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(head, length, "", 1) + "\r\n\r\n" + string(text)
}

// What goes wrong is told as a problem, whole; the connection stays where it can.
func TestTransformProblems(t *testing.T) {
	g, u := transforming(t, `
request:
- when: {all: [{variable: "${request.query.p}", exists: true}]}
  path: "/x/${request.query.p}"
- body: {json: {$.b: "2"}}
response:
- body: {json: {$.b: "2"}}
`, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{")
	p := g.dial()
	for _, tt := range []struct{ name, request, want string }{
		{"path", "GET /gateway/orders/1?p=.. HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-1\r\n\r\n", refusal("400 Bad Request", "bad_path", "The path is not acceptable")},
		{"body", "POST /gateway/orders/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-1\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n[", strings.Replace(strings.Replace(refusal("400 Bad Request", "bad_request", "The request is malformed"), `"instance"`, `"detail":"the body is not JSON, as its Content-Type says","instance"`, 1), "Content-Length: 149", "Content-Length: 207", 1)},
		{"answer", "GET /gateway/orders/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: r-1\r\n\r\n", refusal("502 Bad Gateway", "answer_unreadable", "The service answered with something that cannot be looked into")},
	} {
		if diff := cmp.Diff(tt.want, steady(p.do(tt.request))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if request := u.next(); !strings.HasPrefix(request, "GET /base HTTP/1.1") {
		t.Errorf("the target was sent %q", request)
	}
}

// A handshake passes with its fields changed, and its answer as it is.
func TestTransformLeavesTunnelsAlone(t *testing.T) {
	u := newTarget(t, func(u *target, p *peer) {
		u.seen <- p.head()
		p.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")
		_, _ = p.rest()
	})
	g := startText(t, bundle{target: u.address, top: "policies: [{name: all, policies: {transform: {request: [{set_headers: {X-A: b}, body: {text: '{}'}}], response: [{status: 200, set_headers: {X-A: b}, body: {text: a, content_type: text}}]}}}]"}.text())
	p := g.dial()
	p.send("GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if head := p.head(); status(head) != 101 || field(head, "X-A") != "" || p.take(5) != "hello" {
		t.Errorf("answer %q", head)
	}
	if request := u.next(); field(request, "X-A") != "b" || field(request, "Content-Length") != "" {
		t.Errorf("handshake %q", request)
	}
}
