package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fetched is what a page makes of an answer.
const fetched = `fetch(%q, {method: %q, credentials: "include", headers: {"Content-Type": "application/json", "X-Token": "t"}})` +
	`.then(async (r) => r.status + " " + r.headers.get("ETag") + " " + r.headers.get("X-Hidden") + " " + (await r.text()).slice(0, 20), (e) => e.name)`

// A real browser asks beforehand, sends what it may, and shows a page what it may
// see.
func TestCORSInABrowser(t *testing.T) {
	b := openBrowser(t)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1"})
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><link rel=icon href='data:,'>")
	})
	ours, another := httptest.NewServer(page), httptest.NewServer(page)
	defer ours.Close()
	defer another.Close()
	u := newTarget(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"7\"\r\nX-Hidden: x\r\n\r\nok"))
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
apis:
- name: orders
  upstream: {targets: [{url: "http://%s"}]}
  resources: [{path: "/orders/{id}", methods: [PUT, DELETE]}]
  policies:
    identify: none
    cors: {origins: [%q], methods: [PUT], headers: [Content-Type, X-Token], expose_headers: [ETag], credentials: true}
`, u.address, ours.URL))
	url := "http://" + d.http + "/gateway/orders/orders/7"
	for _, tt := range []struct{ name, page, url, method, want string }{
		{"allowed", ours.URL, url, "PUT", `200 "7" null ok`},
		{"another origin", another.URL, url, "PUT", "TypeError"},
		{"another method", ours.URL, url, "DELETE", "TypeError"},
		{"another path", ours.URL, url + "/x", "PUT", "TypeError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.open(view{URL: tt.page, Width: 800, Height: 600, Scheme: "light"})
			var got string
			b.evaluate(fmt.Sprintf(fetched, tt.url, tt.method), &got)
			if got != tt.want {
				t.Errorf("the page sees %q, want %q", got, tt.want)
			}
		})
	}
	if request := u.next(); !strings.HasPrefix(request, "PUT /orders/7 ") || !strings.Contains(request, "session=s1") {
		t.Errorf("the target was sent %q", request)
	}
	if len(u.seen) > 0 {
		t.Errorf("the target was sent more: %q", u.next())
	}
}
