package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// catalogue is the YAML of APIs that share a gateway, all with one target.
const catalogue = `
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: orders
  version: "1.9"
  upstream: {targets: [{url: "http://TARGET/v1.9/"}]}
  policies: {identify: none}
- name: orders
  version: "1.10"
  upstream: {targets: [{url: "http://TARGET/v1.10"}]}
  resources:
  - {path: /items, methods: [GET, POST]}
  - {path: /items/all, methods: [GET]}
  - {path: "/items/{id}", methods: [GET, DELETE]}
  - {path: "/files/**"}
  policies: {identify: none}
- name: files
  version: "1"
  base_path: /files
  paths: {encoded_slash: keep}
  upstream: {targets: [{url: "http://TARGET"}], strip_prefix: false}
  policies: {identify: none}
- name: shop
  version: "1"
  hosts: [shop.example.com]
  base_path: /
  upstream: {targets: [{url: "http://TARGET/exact"}], host: caller}
  policies: {identify: none}
- name: shops
  version: "1"
  hosts: ["*.example.com"]
  base_path: /
  upstream: {targets: [{url: "http://TARGET/wild"}], host: shops.internal}
  policies: {identify: none}
- name: secure
  version: "1"
  base_path: /secure
  upstream: {targets: [{url: "http://TARGET"}]}
  policies: {identify: none, protocols: [https]}
- name: rest
  version: "1"
  base_path: /
  upstream: {targets: [{url: "http://TARGET/rest"}]}
  policies: {identify: none}
`

// Which upstream is asked for what, and with which bytes.
func TestRequestIsRouted(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), strings.ReplaceAll(catalogue, "TARGET", u.address))
	for _, tt := range []struct{ name, request, host, want, sent string }{
		{"version", "GET /gateway/orders/1.9/x/y", "h", "GET /v1.9/x/y", ""},
		{"version alone", "GET /gateway/orders/1.9", "h", "GET /v1.9", ""},
		{"version alone, with a slash", "GET /gateway/orders/1.9/", "h", "GET /v1.9/", ""},
		{"latest", "GET /gateway/orders/items", "h", "GET /v1.10/items", ""},
		{"resource", "POST /gateway/orders/1.10/items", "h", "POST /v1.10/items", ""},
		{"literal before template", "GET /gateway/orders/1.10/items/all", "h", "GET /v1.10/items/all", ""},
		{"template", "DELETE /gateway/orders/1.10/items/7", "h", "DELETE /v1.10/items/7", ""},
		{"HEAD follows GET", "HEAD /gateway/orders/1.10/items/7", "h", "HEAD /v1.10/items/7", ""},
		{"rest of the path", "PURGE /gateway/orders/1.10/files/a//b/", "h", "PURGE /v1.10/files/a//b/", ""},
		{"query byte for byte", "GET /gateway/orders/1.9/x?b=%7e&a=../%2F&&%zz+'|", "h", "GET /v1.9/x?b=%7e&a=../%2F&&%zz+'|", ""},
		{"empty query", "GET /gateway/orders/1.9/x?", "h", "GET /v1.9/x?", ""},
		{"second question mark", "GET /gateway/orders/1.9/x?a?b", "h", "GET /v1.9/x?a?b", ""},
		{"canonical path", "GET /gateway/%6frders/1.9/%7ex%c3%a9", "h", "GET /v1.9/~x%C3%A9", ""},
		{"prefix kept", "GET /files/a", "h", "GET /files/a", ""},
		{"escaped slash kept", "GET /files/a%2fb", "h", "GET /files/a%2Fb", ""},
		{"exact host", "GET /x", "shop.example.com", "GET /exact/x", "shop.example.com"},
		{"host in capitals, with a port", "GET /x", "SHOP.Example.COM:8080", "GET /exact/x", "SHOP.Example.COM:8080"},
		{"wildcard host", "GET /x", "a.b.example.com", "GET /wild/x", "shops.internal"},
		{"a path beats a host's rest", "GET /files/a", "shop.example.com", "GET /files/a", ""},
		{"no such host", "GET /x", "example.com", "GET /rest/x", ""},
		{"absolute form", "GET http://shop.example.com/x?y", "shop.example.com", "GET /exact/x?y", "shop.example.com"},
		{"what no other takes", "GET /secured", "h", "GET /rest/secured", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.sent == "" {
				tt.sent = u.address
			}
			p := dial(t, d.http)
			p.send(lines(tt.request+" HTTP/1.1", "Host: "+tt.host))
			wantStatus(t, p.head(), 200)
			want := []string{tt.want + " HTTP/1.1", "Host: " + tt.sent}
			if diff := cmp.Diff(want, strings.Split(u.next(), "\r\n")[:2]); diff != "" {
				t.Errorf("request at the target (-want +got):\n%s", diff)
			}
		})
	}
}

// What has no place is told so, and no upstream hears of it.
func TestRequestIsNotRouted(t *testing.T) {
	u := newTarget(t, always(ok))
	text, _, _ := strings.Cut(strings.ReplaceAll(catalogue, "TARGET", u.address), "- name: rest")
	d := deploy(t, t.TempDir(), text)
	detailed := func(detail string) string {
		body := fmt.Sprintf(`{"type":"urn:postern:problem:bad_path","title":"The path is not acceptable","status":400,"detail":"%s","instance":"urn:postern:request:r-1","code":"bad_path"}`+"\n", detail)
		return lines("HTTP/1.1 400 Bad Request", "Content-Type: application/problem+json", fmt.Sprintf("Content-Length: %d", len(body)), "Cache-Control: no-store", "X-Request-Id: r-1") + body
	}
	const orders = "/gateway/orders/1.10"
	notFound := refusal("404 Not Found", "not_found", "There is nothing here")
	notAllowed := func(allow string) string {
		return refusal("405 Method Not Allowed", "method_not_allowed", "The method is not allowed here", "Allow: "+allow)
	}
	for _, tt := range []struct{ request, want string }{
		{"GET /", notFound},
		{"GET /gateway", notFound},
		{"GET /gateway/orders/1.8/items", notFound},
		{"GET " + orders + "/items/", notFound},
		{"GET " + orders + "/items/1/2", notFound},
		{"GET " + orders + "/Items", notFound},
		{"GET " + orders + "s/items", notFound},
		{"GET /gateway//orders/1.10/items", notFound},
		{"DELETE " + orders + "/items", notAllowed("GET, HEAD, POST")},
		{"POST " + orders + "/items/7", notAllowed("DELETE, GET, HEAD")},
		{"POST " + orders + "/items/all", notAllowed("DELETE, GET, HEAD")},
		{"GET " + orders + "/items/../x", detailed("path holds a dot segment")},
		{"GET " + orders + "/%2e%2E/x", detailed("path holds a dot segment")},
		{"GET " + orders + "/items/.", detailed("path holds a dot segment")},
		{"GET " + orders + "/items/a%2fb", detailed("path holds an escaped slash")},
		{"GET /files/%2e%2e%2fsecret", detailed("path holds a dot segment")},
		{"GET " + orders + "/items/a%5Cb", detailed("path holds an escaped control character or backslash")},
		{"GET " + orders + "/items/a%00", detailed("path holds an escaped control character or backslash")},
		{"GET " + orders + "/items/%zz", detailed("percent sign is not followed by two hex digits")},
		{"GET " + orders + "/items/%a", detailed("percent sign is not followed by two hex digits")},
		{"GET /secure/x", refusal("403 Forbidden", "protocol_not_allowed", "This API is not offered over this protocol")},
	} {
		t.Run(tt.request, func(t *testing.T) {
			got := steady(d.do(lines(tt.request+" HTTP/1.1", "Host: h", "X-Request-Id: r-1")))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	if len(u.seen) > 0 {
		t.Errorf("the target was asked: %q", u.next())
	}
}

// Who calls, and over what, is what trusted proxies say, and what nobody else
// says.
func TestWhoCalls(t *testing.T) {
	const believed = "trusted_proxies: [127.0.0.0/8, 10.0.0.0/8, \"2001:db8::/32\"]"
	u := newTarget(t, always(ok))
	text := strings.ReplaceAll(catalogue, "TARGET", u.address)
	stranger := deploy(t, t.TempDir(), text)
	proxied := deploy(t, t.TempDir(), believed+text)
	for n, tt := range []struct {
		name           string
		d              *deployment
		path           string
		fields         []string
		status         int
		client, sentBy string // in the access line, and X-Forwarded-For as sent
	}{
		{"stranger", stranger, "/x", nil, 200, "127.0.0.1", "127.0.0.1"},
		{"stranger who pretends", stranger, "/x", []string{"X-Forwarded-For: 10.9.9.9", "Forwarded: for=10.9.9.9;proto=https", "X-Forwarded-Proto: https"}, 200, "127.0.0.1", "127.0.0.1"},
		{"stranger who pretends to be secure", stranger, "/secure/x", []string{"X-Forwarded-Proto: https"}, 403, "127.0.0.1", ""},
		{"proxy that says nothing", proxied, "/x", nil, 200, "127.0.0.1", "127.0.0.1"},
		{"proxy", proxied, "/x", []string{"X-Forwarded-For: 192.0.2.7"}, 200, "192.0.2.7", "192.0.2.7, 127.0.0.1"},
		{"proxies", proxied, "/x", []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.7", "x-forwarded-for: 10.1.2.3"}, 200, "192.0.2.7", "6.6.6.6, 192.0.2.7, 10.1.2.3, 127.0.0.1"},
		{"proxies only", proxied, "/x", []string{"X-Forwarded-For: 10.0.0.9, 10.0.0.8"}, 200, "10.0.0.9", "10.0.0.9, 10.0.0.8, 127.0.0.1"},
		{"what is no address ends belief", proxied, "/x", []string{"X-Forwarded-For: 192.0.2.7, unknown, 10.0.0.8"}, 200, "10.0.0.8", "192.0.2.7, unknown, 10.0.0.8, 127.0.0.1"},
		{"Forwarded", proxied, "/x", []string{`Forwarded: for=6.6.6.6, for="[2001:db9::7]:4711";proto=https, for=10.0.0.1`}, 200, "2001:db9::7", "127.0.0.1"},
		{"proxy that has TLS", proxied, "/secure/x", []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"}, 200, "192.0.2.7", "192.0.2.7, 127.0.0.1"},
		{"proxy that has not", proxied, "/secure/x", []string{"X-Forwarded-Proto: https, http"}, 403, "127.0.0.1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := fmt.Sprintf("who-%d", n)
			head := append([]string{"GET " + tt.path + " HTTP/1.1", "Host: h", "X-Request-Id: " + id}, tt.fields...)
			wantStatus(t, tt.d.do(lines(head...)), tt.status)
			if got := tt.d.accessLine(id)["client"]; got != tt.client {
				t.Errorf("client %q, want %q", got, tt.client)
			}
			if tt.status != 200 {
				return
			}
			if got := field(u.next(), "X-Forwarded-For"); got != tt.sentBy {
				t.Errorf("X-Forwarded-For %q, want %q", got, tt.sentBy)
			}
		})
	}
}

// A request keeps the id it brings when that can be logged, and else gets one.
func TestRequestIDEverywhere(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), strings.ReplaceAll(catalogue, "TARGET", u.address))
	for _, tt := range []struct {
		brought string
		kept    bool
	}{
		{"a.B-9_z", true},
		{strings.Repeat("x", 64), true},
		{strings.Repeat("x", 65), false},
		{"a b", false},
		{`a"b`, false},
		{"ü", false},
		{"", false},
	} {
		t.Run(tt.brought, func(t *testing.T) {
			answer := d.do(lines("GET /x HTTP/1.1", "Host: h", "X-Request-Id: "+tt.brought, "traceparent: 00-1-2-01"))
			id := field(answer, "X-Request-Id")
			if kept := id == tt.brought; kept != tt.kept || id == "" {
				t.Errorf("id %q for %q", id, tt.brought)
			}
			request := u.next()
			if got := field(request, "X-Request-Id"); got != id || strings.Count(request, "X-Request-Id") != 1 {
				t.Errorf("at the target %q, want %q once", got, id)
			}
			if got := field(request, "traceparent"); got != "00-1-2-01" {
				t.Errorf("traceparent %q", got)
			}
			if line := d.accessLine(id); line["path"] != "/x" {
				t.Errorf("access line %v", line)
			}
		})
	}
}
