package gateway

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// origin answers requests by their path, and counts them.
type origin struct {
	*target
	mu      sync.Mutex
	answers map[string]string
}

func newOrigin(t testing.TB, answers map[string]string) *origin {
	o := &origin{answers: answers}
	o.target = newTarget(t, func(u *target, p *peer) {
		for {
			request := p.request()
			if request == "" {
				return
			}
			path, _, _ := strings.Cut(strings.Fields(request)[1], "?")
			u.seen <- request
			o.mu.Lock()
			answer := o.answers[path]
			o.mu.Unlock()
			if answer == "" {
				answer = answerOf("any", "Cache-Control: max-age=600")
			}
			p.send(answer)
			if strings.Contains(answer, "Connection: close") {
				return
			}
		}
	})
	return o
}

// set changes what is answered.
func (o *origin) set(path, answer string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers[path] = answer
}

// asked is how many requests came since it was last asked for.
func (o *origin) asked() (n int) {
	for len(o.seen) > 0 {
		<-o.seen
		n++
	}
	return n
}

// keeping is the YAML of APIs that keep answers; more is another API, or nothing.
func keeping(target, more string) string {
	return fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
applications:
- {name: shop, apis: [known, together, told, timed], identify: {api_keys: [shop-key-shop-key-1]}}
- {name: batch, apis: [known, together, told, timed], identify: {api_keys: [batch-key-batch-key]}}
apis:
- {name: open, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none, cache: {}}}
- {name: off, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none}}
- {name: known, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [api_key]}, cache: {}}}
- {name: together, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [api_key]}, cache: {key: {caller: shared}}}}
- {name: told, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [api_key], caller_headers: {X-App: application.name}}, cache: {key: {caller: shared}}}}
- {name: timed, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: {by: [api_key]}, cache: {mode: ttl, ttl: 5d 4h 1m, max_entry: 1KiB}}}
- name: listed
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies:
    identify: none
    cache: {mode: ttl, ttl: 10m, key: {headers: [{name: Accept, only: [application/json]}], query: [{name: srcResponse, only: ["true"]}]}}
- name: soap
  upstream: {targets: [{url: "http://%[1]s"}]}
  policies:
    identify: none
    cache: {mode: ttl, ttl: 10m, key: {payload: [{xpath: "//a:item", namespaces: {a: "urn:a"}, only: [pen, ink]}]}}
%[2]s`, target, more)
}

// answerOf is an answer with these fields.
func answerOf(body string, fields ...string) string {
	return lines(append([]string{"HTTP/1.1 200 OK", fmt.Sprintf("Content-Length: %d", len(body))}, fields...)...) + body
}

var ages = regexp.MustCompile(`(Age: |ttl=)\d+`)

// ageless is an answer without what depends on when it was given.
func ageless(answer string) string { return ages.ReplaceAllString(answer, "${1}N") }

// What is given a second time is the first answer, without asking for it.
func TestCacheFromOutside(t *testing.T) {
	u := newOrigin(t, map[string]string{
		"/a":       answerOf("hello", "Content-Type: text/plain", "Content-Encoding: identity", "Cache-Control: max-age=600", `ETag: "1"`, "Date: Wed, 25 Nov 2026 03:00:00 GMT", "Age: 7", "Cache-Status: inner; hit"),
		"/chunked": "HTTP/1.1 200 OK\r\nCache-Control: max-age=1000000\r\nDate: Wed, 25 Nov 2026 03:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
	})
	d := deploy(t, t.TempDir(), keeping(u.address, ""))
	get := func(method, path string, fields ...string) string {
		request := append([]string{method + " /gateway/open" + path + " HTTP/1.1", "Host: h", "X-Request-Id: r-1"}, fields...)
		return ageless(d.do(lines(request...)))
	}
	u.set("/a", strings.Replace(u.answers["/a"], "Wed, 25 Nov 2026 03:00:00 GMT", httpNow(), 1))
	u.set("/chunked", strings.Replace(u.answers["/chunked"], "Wed, 25 Nov 2026 03:00:00 GMT", httpNow(), 1))
	dated := func(answer string) string {
		return regexp.MustCompile(`Date: [^\r]+`).ReplaceAllString(answer, "Date: D")
	}
	head := []string{"Content-Type: text/plain", "Content-Encoding: identity", "Cache-Control: max-age=600", `ETag: "1"`, "Date: D"}
	hit := append(append([]string{"HTTP/1.1 200 OK"}, head...), "Cache-Status: inner; hit", "Age: N", "Cache-Status: postern; hit; ttl=N", "X-Request-Id: r-1", "Content-Length: 5")
	for _, tt := range []struct {
		name, method, path string
		fields             []string
		want               string
		asked              int
	}{
		{"first", "GET", "/a", nil, lines(append(append([]string{"HTTP/1.1 200 OK"}, head...), "Age: N", "Cache-Status: inner; hit", "Cache-Status: postern; fwd=uri-miss; stored", "X-Request-Id: r-1", "Content-Length: 5")...) + "hello", 1},
		{"again", "GET", "/a", nil, lines(hit...) + "hello", 0},
		{"its head", "HEAD", "/a", nil, lines(hit...), 0},
		{"the caller has it", "GET", "/a", []string{`If-None-Match: "0", W/"1"`}, lines("HTTP/1.1 304 Not Modified", "Cache-Control: max-age=600", `ETag: "1"`, "Date: D", "Cache-Status: inner; hit", "Age: N", "Cache-Status: postern; hit; ttl=N", "X-Request-Id: r-1"), 0},
		{"the caller has another", "GET", "/a", []string{`If-None-Match: "2"`}, lines(hit...) + "hello", 0},
		{"chunked", "GET", "/chunked", nil, "", 1},
		{"chunked again", "GET", "/chunked", nil, "HTTP/1.1 200 OK\r\nCache-Control: max-age=1000000\r\nDate: D\r\nAge: N\r\nCache-Status: postern; hit; ttl=N\r\nX-Request-Id: r-1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := dated(get(tt.method, tt.path, tt.fields...))
			if diff := cmp.Diff(tt.want, got); tt.want != "" && diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if n := u.asked(); n != tt.asked {
				t.Errorf("the upstream was asked %d times, want %d", n, tt.asked)
			}
		})
	}
	for series, want := range map[string]string{
		`postern_cache_hits_total{api="open",at="api"}`: "5", `postern_cache_misses_total{api="open",at="api"}`: "2",
		`postern_cache_entries{api="open",at="api"}`: "2", `postern_cache_evictions_total{api="open",at="api"}`: "0",
	} {
		if got := d.metric(series); got != want {
			t.Errorf("%s %q, want %s", series, got, want)
		}
	}
}

// What one caller may learn from another: nothing. Each line is a request after
// which the next one is, or is not, answered from the store.
func TestCacheIsNoWayIn(t *testing.T) {
	const fresh = "Cache-Control: max-age=600"
	u := newOrigin(t, map[string]string{})
	d := deploy(t, t.TempDir(), keeping(u.address, ""))
	const shop, batch = "X-Gateway-APIKey: shop-key-shop-key-1", "X-Gateway-APIKey: batch-key-batch-key"
	for i, tt := range []struct {
		name, api     string
		answer        string
		first, second []string // request lines after the path: METHOD?query, fields
		path          string   // of the second, after the first's
		hit           bool
	}{
		{"the same", "open", answerOf("a", fresh), nil, nil, "", true},
		{"without a policy", "off", answerOf("a", fresh), nil, nil, "", false},
		{"another host", "open", answerOf("a", fresh), nil, []string{"Host: evil.example"}, "", false},
		{"another query", "open", answerOf("a", fresh), nil, nil, "?a=1", false},
		{"an empty query", "open", answerOf("a", fresh), nil, nil, "?", false},
		{"a suffix", "open", answerOf("a", fresh), nil, nil, "/x.css", false},
		{"a parameter of the path", "open", answerOf("a", fresh), nil, nil, ";x.css", false},
		{"an escaped suffix", "open", answerOf("a", fresh), nil, nil, "%3Fx.css", false},
		{"forwarded by nobody trusted", "open", answerOf("a", fresh), []string{"X-Forwarded-Host: evil.example"}, nil, "", true},
		{"a forwarded method", "open", answerOf("a", fresh), []string{"X-HTTP-Method-Override: DELETE"}, nil, "", false},
		{"another address", "open", answerOf("a", fresh), []string{"X-Original-URL: /admin"}, nil, "", false},
		{"a body", "open", answerOf("a", fresh), []string{"Content-Length: 1"}, nil, "", false},
		{"a part", "open", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/5\r\nContent-Length: 1\r\n" + fresh + "\r\n\r\na", nil, nil, "", false},
		{"a part is asked for", "open", answerOf("a", fresh), nil, []string{"Range: bytes=0-0"}, "", false},
		{"a cookie is set", "open", answerOf("a", fresh, "Set-Cookie: a=b"), nil, nil, "", false},
		{"a cookie is shown", "open", answerOf("a", fresh), []string{"Cookie: a=b"}, []string{"Cookie: a=b"}, "", false},
		{"a cookie is shown, for all", "open", answerOf("a", fresh, "Cache-Control: public"), []string{"Cookie: a=b"}, []string{"Cookie: a=b"}, "", true},
		{"another cookie", "open", answerOf("a", fresh, "Cache-Control: public"), []string{"Cookie: a=b"}, []string{"Cookie: a=c"}, "", false},
		{"Authorization", "open", answerOf("a", fresh), []string{"Authorization: Basic YTpi"}, []string{"Authorization: Basic YTpi"}, "", false},
		{"Authorization, public", "open", answerOf("a", fresh, "Cache-Control: public"), []string{"Authorization: Basic YTpi"}, []string{"Authorization: Basic YTpi"}, "", true},
		{"Authorization, then none", "open", answerOf("a", fresh, "Cache-Control: public"), []string{"Authorization: Basic YTpi"}, nil, "", false},
		{"Authorization, then another", "open", answerOf("a", fresh, "Cache-Control: public"), []string{"Authorization: Basic YTpi"}, []string{"Authorization: Basic YTpj"}, "", false},
		{"a known caller", "known", answerOf("a", fresh), []string{shop}, []string{shop}, "", false},
		{"a known caller, public", "known", answerOf("a", fresh, "Cache-Control: public"), []string{shop}, []string{shop}, "", true},
		{"a known caller, s-maxage", "known", answerOf("a", "Cache-Control: s-maxage=60"), []string{shop}, []string{shop}, "", true},
		{"another caller", "known", answerOf("a", fresh, "Cache-Control: public"), []string{shop}, []string{batch}, "", false},
		{"shared", "together", answerOf("a", fresh, "Cache-Control: public"), []string{shop}, []string{batch}, "", true},
		{"shared, not public", "together", answerOf("a", fresh), []string{shop}, []string{batch}, "", false},
		{"shared, the upstream is told", "told", answerOf("a", fresh, "Cache-Control: public"), []string{shop}, []string{batch}, "", false},
		{"ttl, the same caller", "timed", answerOf("a"), []string{shop}, []string{shop}, "", true},
		{"ttl, another caller", "timed", answerOf("a"), []string{shop}, []string{batch}, "", false},
		{"ttl, private", "timed", answerOf("a", "Cache-Control: private"), []string{shop}, []string{shop}, "", false},
		{"ttl, too large", "timed", answerOf(repeat('a', 1025)), []string{shop}, []string{shop}, "", false},
		{"ttl, as large as may be", "timed", answerOf(repeat('a', 1024)), []string{shop}, []string{shop}, "", true},
		{"ttl, too large in chunks", "timed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n" + repeat('a', 1025) + "\r\n0\r\n\r\n", []string{shop}, []string{shop}, "", false},
		{"ttl, an error", "timed", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", []string{shop}, []string{shop}, "", false},
		{"Vary, the same", "open", answerOf("a", fresh, "Vary: Accept-Language"), []string{"Accept-Language: de"}, []string{"Accept-Language: de"}, "", true},
		{"Vary, another", "open", answerOf("a", fresh, "Vary: Accept-Language"), []string{"Accept-Language: de"}, []string{"Accept-Language: en"}, "", false},
		{"Vary, none", "open", answerOf("a", fresh, "Vary: Accept-Language"), []string{"Accept-Language: de"}, nil, "", false},
		{"Vary, empty is not none", "open", answerOf("a", fresh, "Vary: Accept-Language"), nil, []string{"Accept-Language:"}, "", false},
		{"Vary *", "open", answerOf("a", fresh, "Vary: Accept, *"), nil, nil, "", false},
		{"Vary by who forwards", "open", answerOf("a", fresh, "Vary: X-Forwarded-For"), nil, nil, "", false},
		{"no-store", "open", answerOf("a", "Cache-Control: max-age=60, no-store"), nil, nil, "", false},
		{"private", "open", answerOf("a", `Cache-Control: max-age=60, private="x"`), nil, nil, "", false},
		{"no-cache", "open", answerOf("a", "Cache-Control: max-age=60, no-cache"), nil, nil, "", false},
		{"nothing said", "open", answerOf("a", "Last-Modified: Wed, 25 Nov 2020 03:00:00 GMT"), nil, nil, "", false},
		{"expired before it came", "open", answerOf("a", fresh, "Age: 600"), nil, nil, "", false},
		{"two ages", "open", answerOf("a", "Cache-Control: max-age=60", "Cache-Control: max-age=70"), nil, nil, "", false},
		{"Expires", "open", answerOf("a", "Date: "+httpNow(), "Expires: Fri, 01 Jan 2100 00:00:00 GMT"), nil, nil, "", true},
		{"Expires 0", "open", answerOf("a", "Expires: 0"), nil, nil, "", false},
		{"s-maxage outweighs", "open", answerOf("a", fresh+", s-maxage=0"), nil, nil, "", false},
		{"the caller wants no cache", "open", answerOf("a", fresh), nil, []string{"Cache-Control: no-cache"}, "", false},
		{"the caller wants no store", "open", answerOf("a", fresh), []string{"Cache-Control: no-store"}, nil, "", false},
		{"ends with the connection", "open", "HTTP/1.1 200 OK\r\nConnection: close\r\n" + fresh + "\r\n\r\na", nil, nil, "", false},
		{"the parameter that counts", "listed", answerOf("a"), []string{"?srcResponse=true&a=1", "Accept: application/json"}, []string{"?srcResponse=true&a=2", "Accept: application/json"}, "", true},
		{"a parameter not in the list", "listed", answerOf("a"), []string{"?srcResponse=false", "Accept: application/json"}, []string{"?srcResponse=false", "Accept: application/json"}, "", false},
		{"a header not in the list", "listed", answerOf("a"), []string{"?srcResponse=true", "Accept: text/html"}, []string{"?srcResponse=true", "Accept: text/html"}, "", false},
		{"a header that is missing", "listed", answerOf("a"), []string{"?srcResponse=true"}, []string{"?srcResponse=true"}, "", false},
		{"payload, the same", "soap", answerOf("a"), soap("pen", "1"), soap("pen", "2"), "", true},
		{"payload, another", "soap", answerOf("a"), soap("pen", "1"), soap("ink", "1"), "", false},
		{"payload, not in the list", "soap", answerOf("a"), soap("cup", "1"), soap("cup", "1"), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := fmt.Sprintf("/r%d", i)
			u.set(path, tt.answer)
			u.set(path+tt.path, tt.answer)
			d.do(asking(tt.api, path, tt.first))
			if n := u.asked(); n != 1 {
				t.Fatalf("the upstream was asked %d times for the first", n)
			}
			d.do(asking(tt.api, path+tt.path, tt.second))
			if hit := u.asked() == 0; hit != tt.hit {
				t.Errorf("from the store: %t, want %t", hit, tt.hit)
			}
		})
	}
}

// soap is a message about an item.
func soap(item, more string) []string {
	return []string{"POST", `<e xmlns="urn:a"><item>` + item + `</item><more>` + more + `</more></e>`}
}

// asking is a request; its lines may begin with a query, or be POST and a body.
func asking(api, path string, more []string) string {
	method, body, head := "GET", "", []string{"Host: h"}
	switch {
	case len(more) > 0 && more[0] == "POST":
		method, body = "POST", more[1]
		head = append(head, "Content-Type: text/xml", fmt.Sprintf("Content-Length: %d", len(body)))
		more = nil
	case len(more) > 0 && more[0][0] == '?':
		path, more = path+more[0], more[1:]
	}
	for _, field := range more {
		if strings.HasPrefix(field, "Host: ") {
			head[0] = field
			continue
		}
		if field == "Content-Length: 1" {
			body = "x"
		}
		head = append(head, field)
	}
	return lines(append([]string{method + " /gateway/" + api + path + " HTTP/1.1"}, head...)...) + body
}

func httpNow() string { return time.Now().UTC().Format(http.TimeFormat) }
