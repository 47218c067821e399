package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"postern/gateway/hostname/dnstest"
)

// byPayload is the YAML of an API that knows its callers by what they send.
func byPayload(target, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
limits: {buffered_body: 4KiB}
applications:
- name: acme
  apis: [orders]
  identify:
    payload:
    - {json_path: "$.partner.id", equals: acme}
    - {xpath: "/o:order/o:partner", namespaces: {o: "urn:x"}, equals: acme}
    - {regex: "partner=(\\w+)", equals: acme}
- name: globex
  apis: [orders]
  identify:
    api_keys: [globex-key]
    payload: [{json_path: "$.partner.id", equals: globex}, {json_path: "$.also", equals: "7"}]
- {name: elsewhere, identify: {payload: [{json_path: "$.partner.id", equals: initech}]}}
apis:
- name: orders
  version: "1"
  base_path: /orders
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [payload], caller_headers: {X-App: application.name}, %s}
`, target, more)
}

const (
	unidentified = `Www-Authenticate: Postern realm="postern"`
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestIdentifyByPayload(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), byPayload(u.address, "combine: or"))
	none := refusal("401 Unauthorized", "unidentified", "The caller is not identified", unidentified)
	for _, tt := range []struct{ name, fields, body, app, refusal string }{
		{"JSON", "Content-Type: application/json", `{"partner":{"id":"acme"}}`, "acme", ""},
		{"of another application", "Content-Type: application/json", `{"partner":{"id":"globex"},"also":7}`, "globex", ""},
		{"a number", "", `{"also":7}`, "globex", ""},
		{"XML", "Content-Type: text/xml", `<order xmlns="urn:x"><partner>acme</partner></order>`, "acme", ""},
		{"a form", "Content-Type: application/x-www-form-urlencoded", "a=b&partner=acme", "acme", ""},
		{"gzip", "Content-Encoding: gzip", gzipped(t, `{"partner":{"id":"acme"}}`), "acme", ""},
		{"UTF-16", "Content-Type: text/plain; charset=utf-16le", "p\x00a\x00r\x00t\x00n\x00e\x00r\x00=\x00a\x00c\x00m\x00e\x00", "acme", ""},
		{"of two applications", "", `{"partner":{"id":"acme"},"also":7}`, "", refusal("401 Unauthorized", "invalid_credential", "The credential is not acceptable", unidentified)},
		{"of nobody", "", `{"partner":{"id":"other"}}`, "", none},
		{"of an application that is not registered", "", `{"partner":{"id":"initech"}}`, "", none},
		{"two partners", "", `{"partner":{"id":"acme"},"partner":{"id":"globex"}}`, "", none},
		{"another namespace", "", `<order><partner>acme</partner></order>`, "", none},
		{"a document type", "", `<!DOCTYPE order><order xmlns="urn:x"><partner>acme</partner></order>`, "", none},
		{"nothing", "", "", "", none},
		{"an unknown coding", "Content-Encoding: compress", "partner=acme", "", refusal("415 Unsupported Media Type", "unsupported_media_type", "The type or encoding of the request body is not supported")},
		{"not gzip", "Content-Encoding: gzip", "partner=acme", "", refusal("400 Bad Request", "bad_request", "The request is malformed")},
		{"a bomb", "Content-Encoding: gzip", gzipped(t, strings.Repeat("a", 5000)), "", refusal("413 Request Entity Too Large", "content_too_large", "The request body is too large")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fields != "" {
				tt.fields += "\r\n"
			}
			request := fmt.Sprintf("POST /orders HTTP/1.1\r\nHost: a.example.com\r\nX-Request-Id: r-1\r\nX-App: evil\r\n%sContent-Length: %d\r\n\r\n%s", tt.fields, len(tt.body), tt.body)
			answer := dateLine.ReplaceAllString(d.do(request), "")
			if tt.refusal != "" {
				if diff := cmp.Diff(tt.refusal, answer); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				return
			}
			wantStatus(t, answer, 200)
			if head, body := headAndBody(u.next()); body != tt.body || field(head+"\r\n\r\n", "X-App") != tt.app {
				t.Errorf("the target was sent %q and %q", head, body)
			}
		})
	}
	long := d.do("POST /orders HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4097\r\n\r\n")
	wantStatus(t, long, 413)
	if line := d.accessLine("r-1"); line["application"] != "acme" {
		t.Errorf("log %v", line)
	}
	if got := d.metric(`postern_credentials_total{by="payload",outcome="accepted"}`); got != "7" {
		t.Errorf("%q were accepted", got)
	}
}

// A body is read only where it is needed: a key that identifies comes first.
func TestPayloadIsReadLast(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), strings.Replace(byPayload(u.address, "combine: or"), "by: [payload]", "by: [payload, api_key]", 1))
	p := dial(t, d.http)
	p.send("POST /orders HTTP/1.1\r\nHost: a\r\nX-Gateway-APIKey: globex-key\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 100_000))
	wantStatus(t, p.answer("POST"), 200) // although it is longer than may be held
	if request := u.next(); field(request, "X-App") != "globex" {
		t.Errorf("the target was sent %.300q", request)
	}
}

func TestPayloadWithAnotherWay(t *testing.T) {
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), strings.Replace(byPayload(u.address, "combine: and"), "by: [payload]", "by: [payload, api_key]", 1))
	for i, tt := range []struct {
		name, key, body string
		status          int
		reason          string
	}{
		{"both the same", "X-Gateway-APIKey: globex-key", `{"also":7}`, 200, ""},
		{"another one's", "X-Gateway-APIKey: globex-key", `{"partner":{"id":"acme"}}`, 401, "payload: what is presented speaks for different applications"},
		{"nobody's", "X-Gateway-APIKey: globex-key", `{}`, 401, "payload: no application is known by it"},
		{"no key", "X-Other: globex-key", `{"also":7}`, 401, "api_key: nothing is presented"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := fmt.Sprint("with-", i)
			wantStatus(t, d.do(fmt.Sprintf("POST /orders HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s", id, tt.key, len(tt.body), tt.body)), tt.status)
			if reason := d.accessLine(id)["reason"]; reason != tt.reason {
				t.Errorf("reason %q, want %q", reason, tt.reason)
			}
		})
	}
}

func TestExpressionsAreCheckedAtLoad(t *testing.T) {
	for _, tt := range []struct{ expression, want string }{
		{`json_path: "partner"`, "applications[0].identify.payload[0].json_path: a JSONPath begins with $"},
		{`xpath: "/a["`, "applications[0].identify.payload[0].xpath: no XPath"},
		{`regex: "("`, "applications[0].identify.payload[0].regex: no regular expression"},
	} {
		cfg := load(t, strings.Replace(byPayload("127.0.0.1:1", "combine: or"), `json_path: "$.partner.id", equals: acme`, tt.expression+", equals: acme", 1))
		if err := New(zap.NewNop()).Check(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v; want %s", err, tt.want)
		}
	}
}

// byHostname is the YAML of an API that knows its callers by their host names.
func byHostname(target, dns string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
trusted_proxies: [127.0.0.0/8]
hostnames: {resolver: "%s", timeout: 5s}
applications:
- {name: build, apis: [orders], identify: {hostname: [Build.example.com]}}
- {name: ci, apis: [orders], identify: {hostname: ["*.ci.example.com"]}}
- {name: both, apis: [orders], identify: {hostname: [twin.example.com, twin.ci.example.com]}}
apis:
- name: orders
  version: "1"
  base_path: /orders
  upstream: {targets: [{url: "http://%s"}]}
  policies:
    identify: {by: [hostname], caller_headers: {X-App: application.name}}
`, dns, target)
}

func TestIdentifyByHostname(t *testing.T) {
	server := dnstest.Serve(t, map[string][]dnstest.Record{
		"1.2.0.192.in-addr.arpa.":      {"ptr build.example.com."},
		"build.example.com.":           {"192.0.2.1"},
		"2.2.0.192.in-addr.arpa.":      {"ptr a.b.ci.example.com."},
		"a.b.ci.example.com.":          {"192.0.2.2"},
		"3.2.0.192.in-addr.arpa.":      {"ptr ci.example.com."},
		"ci.example.com.":              {"192.0.2.3"},
		"66.2.0.192.in-addr.arpa.":     {"ptr build.example.com."}, // which is not its name
		"4.2.0.192.in-addr.arpa.":      {"ptr twin.ci.example.com."},
		"twin.ci.example.com.":         {"192.0.2.4"},
		"5.2.0.192.in-addr.arpa.":      {"ptr unknown.example.com."},
		"unknown.example.com.":         {"192.0.2.5"},
		"6.2.0.192.in-addr.arpa.":      {"ptr evilbuild.example.com."},
		"evilbuild.example.com.":       {"192.0.2.6"},
		"8.2.0.192.in-addr.arpa.":      {"ptr build.example.com.evil.test."},
		"build.example.com.evil.test.": {"192.0.2.8"},
	})
	u := newTarget(t, always(ok))
	d := deploy(t, t.TempDir(), byHostname(u.address, server.Address))
	ask := func(from string) string {
		return d.do("GET /orders HTTP/1.1\r\nHost: a.example.com\r\nX-Request-Id: r-1\r\nX-Forwarded-For: " + from + "\r\n\r\n")
	}
	none := refusal("401 Unauthorized", "unidentified", "The caller is not identified", unidentified)
	for _, tt := range []struct{ name, from, app string }{
		{"its name", "192.0.2.1", "build"},
		{"a name below", "192.0.2.2", "ci"},
		{"not the name itself", "192.0.2.3", ""},
		{"a name that leads elsewhere", "192.0.2.66", ""},
		{"of nobody", "192.0.2.5", ""},
		{"a longer name", "192.0.2.6", ""},
		{"a name that goes on", "192.0.2.8", ""},
		{"no name", "192.0.2.7", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := dateLine.ReplaceAllString(ask(tt.from), "")
			if tt.app == "" {
				if diff := cmp.Diff(none, answer); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				return
			}
			wantStatus(t, answer, 200)
			if request := u.next(); field(request, "X-App") != tt.app {
				t.Errorf("the target was sent %q", request)
			}
		})
	}
	wantStatus(t, ask("192.0.2.4"), 401) // of two applications
	asked := server.Asked.Load()
	d.applied(func() { d.write("postern.yaml", strings.Replace(d.text(), "name: both", "name: twins", 1)) })
	wantStatus(t, ask("192.0.2.1"), 200)
	if now := server.Asked.Load(); now != asked {
		t.Errorf("the DNS was asked %d times after a reload", now-asked)
	}
	if got := d.metric(`postern_hostname_lookups_total{outcome="unconfirmed"}`); got != "1" {
		t.Errorf("%q names did not lead back", got)
	}
	if got := d.metric("postern_hostname_cache_entries"); got != "9" {
		t.Errorf("%q addresses are known", got)
	}
	server.Broken.Store(true) // a DNS that fails identifies nobody
	wantStatus(t, ask("192.0.2.77"), 401)
}

// Bodies that wait for their last byte fill limits.body_memory; further ones are
// told to come again, and those of other APIs stream as ever.
func TestBodyMemory(t *testing.T) {
	u := newTarget(t, always(ok))
	text := strings.Replace(byPayload(u.address, "combine: or"), "{buffered_body: 4KiB}", "{buffered_body: 16KiB, body_memory: 40KiB}", 1)
	d := deploy(t, t.TempDir(), text+fmt.Sprintf(`
- name: open
  version: "1"
  base_path: /open
  upstream: {targets: [{url: "http://%s"}]}
  policies: {identify: none}
`, u.address))
	const begun = "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\npartner=acm"
	var waiting []*peer
	for range 2 {
		p := dial(t, d.http)
		p.send(begun)
		waiting = append(waiting, p)
	}
	eventually(t, "both are read", func() bool { return d.live.Load().bodies.Held() > 30<<10 })
	full := d.do("POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\npartner=acme")
	if status(full) != 503 || field(full, "Retry-After") == "" {
		t.Errorf("beyond the memory: %q", full)
	}
	wantStatus(t, d.do("POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("a", 100_000)), 200)
	for _, p := range waiting {
		p.send("e")
		wantStatus(t, p.answer("POST"), 200)
	}
	eventually(t, "all of it is given back", func() bool { return d.live.Load().bodies.Held() == 0 })
	wantStatus(t, d.do("POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\npartner=acme"), 200)
}
