package gateway

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

// A whole answer as a caller gets it that accepts gzip, from the upstream and from a
// cache.
func TestCompressionFromOutside(t *testing.T) {
	text := strings.Repeat("hello ", 2000)
	u := newOrigin(t, map[string]string{
		"/a":       answerOf(text, "Content-Type: text/plain", `ETag: "1"`, "Cache-Control: max-age=600", "Date: Wed, 25 Nov 2126 03:00:00 GMT"),
		"/chunked": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2ee0\r\n" + text + "\r\n0\r\nX-Sum: 7\r\n\r\n",
	})
	d := deploy(t, t.TempDir(), fmt.Sprintf(`
ports: {http: "127.0.0.1:0"}
admin_api: {listen: "127.0.0.1:0"}
policies:
- {name: all, policies: {compression: {codings: [gzip]}}}
apis:
- {name: orders, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none, cache: {}}}
- {name: plain, upstream: {targets: [{url: "http://%[1]s"}]}, policies: {identify: none, compression: none}}
`, u.address))
	for _, tt := range []struct{ name, method, path, head, trailers string }{
		{"from the upstream", "GET", "orders/a", "Cache-Status: postern; fwd=uri-miss; stored", ""},
		{"from the store", "GET", "orders/a", "Age: N|Cache-Status: postern; hit; ttl=N", ""},
		{"its head", "HEAD", "orders/a", "Age: N|Cache-Status: postern; hit; ttl=N", ""},
		{"with trailers", "GET", "orders/chunked", "Cache-Status: postern; fwd=uri-miss", "X-Sum: 7\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := ageless(d.do(lines(tt.method+" /gateway/"+tt.path+" HTTP/1.1", "Host: h", "X-Request-Id: r-1", "Accept-Encoding: gzip")))
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			want := []string{"HTTP/1.1 200 OK", "Content-Type: text/plain"}
			if strings.HasSuffix(tt.path, "/a") {
				want = append(want, `ETag: W/"1"`, "Cache-Control: max-age=600", "Date: Wed, 25 Nov 2126 03:00:00 GMT")
			}
			want = append(append(want, strings.Split(tt.head, "|")...), "Vary: Accept-Encoding", "Content-Encoding: gzip", "X-Request-Id: r-1")
			if tt.method == "GET" {
				want = append(want, "Transfer-Encoding: chunked")
			}
			if diff := cmp.Diff(strings.Join(want, "\r\n"), head); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
			if tt.method == "HEAD" {
				return
			}
			coded := unchunked(t, body)
			r, err := gzip.NewReader(strings.NewReader(coded))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != text {
				t.Errorf("body of %d bytes, %v", len(got), err)
			}
			if !strings.HasSuffix(body, "0\r\n"+tt.trailers+"\r\n") {
				t.Errorf("ends with %q", body[max(0, len(body)-40):])
			}
		})
	}
	if answer := d.do(lines("GET /gateway/plain/a HTTP/1.1", "Host: h", "Accept-Encoding: gzip")); strings.Contains(answer, "Vary") || !strings.HasSuffix(answer, text) {
		t.Error("the API that has none compresses")
	}
	if got := d.metric(`postern_compression_answers_total{coding="gzip"}`); got != "3" {
		t.Errorf("counted %q", got)
	}
}

// unchunked is what chunks hold.
func unchunked(t *testing.T, body string) (text string) {
	for {
		size, rest, ok := strings.Cut(body, "\r\n")
		var n int
		if _, err := fmt.Sscanf(size, "%x", &n); err != nil || !ok || n > len(rest) {
			t.Fatalf("chunk %q", size)
		}
		if n == 0 {
			return text
		}
		text, body = text+rest[:n], strings.TrimPrefix(rest[n:], "\r\n")
	}
}
