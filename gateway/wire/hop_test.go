package wire_test

import (
	"strings"
	"testing"

	"postern/gateway/wire"
)

// forwarded is what of a request's fields goes on.
func forwarded(t *testing.T, fields string) string {
	t.Helper()
	m, err := readRequest("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	return string(m.head.AppendForward(nil))
}

// RFC 9110 7.6.1: "MUST remove or replace any header fields that are only
// applicable to the next hop".
func TestHopByHop(t *testing.T) {
	for _, line := range []string{
		"Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: close", "Proxy-Authenticate: Basic",
		"Proxy-Authorization: Basic eA==", "TE: trailers", "Transfer-Encoding: chunked", "Upgrade: h2c",
		"HTTP2-Settings: AA", "Content-Length: 0", "pRoXy-aUtHoRiZaTiOn: Basic eA==",
	} {
		if got := forwarded(t, "A: 1\r\n"+line+"\r\nB: 2\r\n"); got != "A: 1\r\nB: 2\r\n" {
			t.Errorf("%s: forwarded %q", line, got)
		}
	}
}

// Lines that nobody changed go on byte by byte.
func TestForwardedAsReceived(t *testing.T) {
	const lines = "x-CASE: a\r\nX-Dup: 1\r\nX-Space:   a \t b\t \r\nx-dup:2\r\nX-Empty:\r\nX-Latin: \xe4\r\nX_Own_Name: 1\r\n"
	if got := forwarded(t, lines); got != lines {
		t.Errorf("got %q, want %q", got, lines)
	}
}

// RFC 9110 7.6.1: an intermediary removes what Connection names. It must not
// remove what says who calls and what is asked, or a caller could strip what
// the gateway or a proxy before it has added.
func TestConnectionNamesFields(t *testing.T) {
	for _, tt := range []struct{ connection, line string }{
		{"X-User", "X-User: a"},
		{"close, x-user", "X-USER: a"},
		{"x-user , x-other", "X-User: a\r\nX-User: b\r\nX-Other: c"},
		{"X-User,\r\nConnection: X-Other", "X-Other: 1\r\nX-User: 2"},
	} {
		for _, fields := range []string{
			"Connection: " + tt.connection + "\r\n" + tt.line + "\r\n",
			tt.line + "\r\nConnection: " + tt.connection + "\r\n",
		} {
			if got := forwarded(t, fields); got != "" {
				t.Errorf("%q: forwarded %q", fields, got)
			}
		}
	}
}

func TestConnectionCannotNameProtectedFields(t *testing.T) {
	for _, name := range []string{
		"Authorization", "Cookie", "Cache-Control", "Content-Type", "Content-Encoding", "Content-Range", "Content-Language",
		"Content-Location", "Content-Disposition", "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Client-Cert", "X-Real-IP", "X-Request-ID",
		"Traceparent", "Tracestate", "Trailer",
	} {
		for _, spelled := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_")} {
			line := name + ": a\r\n"
			if got := forwarded(t, "Connection: close, "+spelled+"\r\n"+line); got != line {
				t.Errorf("Connection: %s: forwarded %q, want %q", spelled, got, line)
			}
		}
	}
	m, err := readRequest("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: Content-Length, Host\r\n\r\n")
	if err != nil || m.Length != 3 || string(m.header.Host()) != "a" {
		t.Errorf("framing was removed: %+v, %v", m.Request, err)
	}
}

// Each name is looked for in the whole head, so their number is bounded.
func TestConnectionNamesFewFields(t *testing.T) {
	const line = "GET / HTTP/1.1\r\nHost: a\r\n"
	if _, err := readRequest(line + "Connection: close" + strings.Repeat(", a", 64) + "\r\n\r\n"); err != nil {
		t.Errorf("64 names: %v", err)
	}
	for _, fields := range []string{
		"Connection: close" + strings.Repeat(", a", 65) + "\r\n",
		"Connection: a" + strings.Repeat(", a", 32) + "\r\nConnection: a" + strings.Repeat(", a", 32) + "\r\n",
	} {
		_, err := readRequest(line + fields + "\r\n")
		mustBe(t, err, wire.ErrConnection)
	}
}

// Servers with a CGI-like interface read "_", and some of them every other
// mark, as "-": a twin of a field that the gateway reads, sets or removes would
// be a second, unchecked one.
func TestTwinsAreDropped(t *testing.T) {
	for _, name := range []string{
		"X_Forwarded_For", "X-Forwarded_For", "x_request_id", "X_Real_IP", "Content_Length", "Content_Type",
		"Transfer_Encoding", "Proxy_Authorization", "Keep_Alive", "Cache_Control", "X_Forwarded_User",
		"X.Forwarded.For", "X!Request~Id", "Content.Length", "X-Forwarded|User",
	} {
		if got := forwarded(t, name+": 1\r\nA: 2\r\n"); got != "A: 2\r\n" {
			t.Errorf("%s: forwarded %q", name, got)
		}
	}
	m, err := readRequest("POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\nTransfer_Encoding: chunked\r\n\r\n")
	if err != nil || m.HasBody() {
		t.Errorf("a twin was taken for framing: %+v, %v", m.Request, err)
	}
}
