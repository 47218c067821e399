package wire_test

import (
	"testing"

	"postern/gateway/wire"
)

// RFC 9112 3.2: the four forms of a request target. Absolute-form is reduced to
// origin-form when its authority is the host, so that nothing behind can
// choose between the two.
func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		name, method, target, host string
		want                       string
		err                        error
	}{
		{"origin", "GET", "/a/b?c=d", "a", "/a/b?c=d", nil},
		{"origin as it came", "GET", "/a//b/%2f/../c%41;x=1?q=%20+&q=1", "a", "/a//b/%2f/../c%41;x=1?q=%20+&q=1", nil},
		{"two slashes", "GET", "//evil/x", "a", "//evil/x", nil},
		{"fragment", "GET", "/admin#/pub", "a", "", wire.ErrTarget},
		{"fragment in the query", "GET", "/a?b#c", "a", "", wire.ErrTarget},
		{"absolute", "GET", "http://a/x?y", "a", "/x?y", nil},
		{"absolute https", "GET", "https://a/x", "a", "/x", nil},
		{"absolute, any case", "GET", "HTTP://Example.COM/X", "example.com", "/X", nil},
		{"absolute with port", "GET", "http://a:8080/x", "a:8080", "/x", nil},
		{"absolute IPv6", "GET", "http://[::1]:80/x", "[::1]:80", "/x", nil},
		{"absolute without path", "GET", "http://a", "a", "/", nil},
		{"absolute with a query only", "GET", "http://a?b=/c", "a", "/?b=/c", nil},
		{"absolute with another URL in the query", "GET", "http://a/?u=http://b/", "a", "/?u=http://b/", nil},
		{"absolute, other host", "GET", "http://evil/x", "a", "", wire.ErrHost},
		{"absolute, other port", "GET", "http://a:81/x", "a:80", "", wire.ErrHost},
		{"absolute, empty host", "GET", "http://a/x", "", "", wire.ErrHead},
		{"absolute with a user", "GET", "http://u@a/x", "a", "", wire.ErrTarget},
		{"absolute without authority", "GET", "http:///x", "a", "", wire.ErrTarget},
		{"absolute, fragment", "GET", "http://a#/x", "a", "", wire.ErrTarget},
		{"absolute, back slash", "GET", `http://a\b/x`, "a", "", wire.ErrTarget},
		{"other scheme", "GET", "ftp://a/x", "a", "", wire.ErrTarget},
		{"scheme only", "GET", "://a/x", "a", "", wire.ErrHead},
		{"path without slash", "GET", "a/x", "a", "", wire.ErrHead},
		{"authority", "GET", "a:80", "a:80", "", wire.ErrHead},
		{"query only", "GET", "?a", "a", "", wire.ErrHead},
		{"asterisk", "OPTIONS", "*", "a", "*", nil},
		{"asterisk of GET", "GET", "*", "a", "", wire.ErrTarget},
		{"asterisk and more", "OPTIONS", "*a", "a", "", wire.ErrHead},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := readRequest(tt.method + " " + tt.target + " HTTP/1.1\r\nHost: " + tt.host + "\r\n\r\n")
			mustBe(t, err, tt.err)
			if got := string(m.header.RequestURI()); err == nil && got != tt.want {
				t.Errorf("target is %q, want %q", got, tt.want)
			}
			if got := string(m.header.Host()); err == nil && got != tt.host {
				t.Errorf("host is %q, want %q", got, tt.host)
			}
		})
	}
}

// RFC 3986 3.2.2, without what no server of HTTP is named.
func TestHost(t *testing.T) {
	for _, good := range []string{"a", "A.example", "a_b", "a-b.c", "a~", "1.2.3.4", "a:", "a:80", "a:65535", "[::1]", "[::1]:80", "[::ffff:1.2.3.4]", "xn--nxasmq6b"} {
		if _, err := readRequest("GET / HTTP/1.1\r\nHost: " + good + "\r\n\r\n"); err != nil {
			t.Errorf("host %q: %v", good, err)
		}
	}
	for _, bad := range []string{"a/", "a?b", "a#b", "u@a", "a,b", "a b", "a\tb", "a%41", "a'", `a"`, "a\\b", "<a>", "a:b", "a:80:80", ":", "::1", "[]", "[::1", "::1]", "[::1]a", "[g::]", "[::1%25eth0]", "\xc3\xa4"} {
		_, err := readRequest("GET / HTTP/1.1\r\nHost: " + bad + "\r\n\r\n")
		if err != wire.ErrHost {
			t.Errorf("host %q: %v, want %v", bad, err, wire.ErrHost)
		}
	}
}

// A request that says nothing of its host cannot be routed by it.
func TestEmptyHost(t *testing.T) {
	_, err := readRequest("GET / HTTP/1.1\r\nHost: \r\n\r\n")
	mustBe(t, err, wire.ErrHead)
}

// HTTP/1.0 knows no host.
func TestHostOf10(t *testing.T) {
	if _, err := readRequest("GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Errorf("no host: %v", err)
	}
	_, err := readRequest("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")
	mustBe(t, err, wire.ErrHost)
}
