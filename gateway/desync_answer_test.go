package gateway

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	bad     = `RFC 9112 6.3: "the proxy MUST close the connection to the server, discard the received response, and send a 502 (Bad Gateway) response"`
	empty   = `RFC 9112 6.3: "is always terminated by the first empty line after the header fields, regardless of the header fields present"`
	interim = `RFC 9110 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response"`
	second  = `RFC 9112 9.2: "If a client receives data on a connection that doesn't have outstanding requests, the client MUST NOT consider that data to be a valid response"`
	folded  = `RFC 9112 5.2: "MUST either discard the message and replace it with a 502 (Bad Gateway) response"`
	another = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Request-Id: evil\r\n\r\nevil"
)

// split are answers by which an upstream could make two answers of one, or leave
// one over for somebody else, each with the sentence by which it is judged. A
// status of 0 is an answer that is cut.
var split = []struct {
	name, rule, sent string
	status           int
	body             string
}{
	{"two answers", second, ok + another, 200, "ok"},
	{"length and coding", bad, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + another, 502, ""},
	{"two lengths", bad, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 0\r\n\r\nok", 502, ""},
	{"two equal lengths", bad, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"list of lengths", bad, "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 502, ""},
	{"negative length", bad, "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", 502, ""},
	{"signed length", bad, "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", 502, ""},
	{"length of words", bad, "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", 502, ""},
	{"coding gzip", bad, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", 502, ""},
	{"coding gzip, chunked", bad, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502, ""},
	{"coding twice", bad, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, ""},
	{"coding on HTTP/1.0", `RFC 9112 6.1: "HTTP/1.0 message containing a Transfer-Encoding header field MUST treat the message as if the framing is faulty"`, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, ""},
	{"space before a colon", `RFC 9112 5.1: "A proxy MUST remove any such whitespace from a response message before forwarding the message downstream", or discard the message`, "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", 502, ""},
	{"folded field", folded, "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"folded length", folded, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 0\r\n\r\nok", 502, ""},
	{"bare LF in a field", `RFC 9112 2.2: "MAY recognize a single LF as a line terminator"`, "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"bare CR in a field", `RFC 9110 5.5: "MUST either reject the message or replace each of those characters"`, "HTTP/1.1 200 OK\r\nX: a\rX-Request-Id: evil\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"NUL in a field", `RFC 9110 5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous"`, "HTTP/1.1 200 OK\r\nX: a\x00\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"bare CR in a reason", `RFC 9112 4: "reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )"`, "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"status of two digits", `RFC 9112 4: "status-code = 3DIGIT"`, "HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"status of four digits", `RFC 9112 4: "status-code = 3DIGIT"`, "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"HTTP/0.9", `RFC 9112 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]"`, "ok, and no head\r\n\r\n", 502, ""},
	{"HTTP/2.0", `RFC 9112 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]"`, "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"space before the status line", `RFC 9112 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]"`, " HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 502, ""},
	{"chunk size beyond 64 bits", `RFC 9112 7.1: "prevent parsing errors due to integer conversion overflows"`, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n" + another, 0, ""},
	{"chunk data longer than its size", `RFC 9112 7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF"`, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n" + another, 0, ""},
	{"no last chunk", `RFC 9112 8: "is incomplete if the zero-sized chunk that terminates the encoding has not been received"`, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 0, ""},
	{"shorter than its length", `RFC 9112 8: "incomplete if the size of the message body received (in octets) is less than the value given by Content-Length"`, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nok", 0, ""},
	{"longer than its length", second, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + another, 200, "ok"},
	{"trailer of framing", `RFC 9110 6.5.1: a trailer field is not merged unless its definition permits it`, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 40\r\nTransfer-Encoding: gzip\r\nSet-Cookie: evil=1\r\n\r\n", 200, "ok"},
	{"body of 204", empty, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok" + another, 204, ""},
	{"chunks of 204", empty, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 204, ""},
	{"body of 304", empty, "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok" + another, 304, ""},
	{"interim answers", interim, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok, 200, "ok"},
	{"interim answer with a length", empty, "HTTP/1.1 103 Early Hints\r\nContent-Length: 73\r\n\r\n" + ok, 200, "ok"},
	{"continue that nobody waits for", `RFC 9110 15.2.1: "If the request did not contain an Expect header field [...] the client can simply discard this interim response"`, "HTTP/1.1 100 Continue\r\n\r\n" + ok, 200, "ok"},
	{"interim answers without end", interim + ", within bounds", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100) + ok, 502, ""},
	{"switch that nobody asked for", `RFC 9110 7.8: "A server MUST NOT switch to a protocol that was not indicated by the client"`, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + ok, 502, ""},
	{"status beyond 599", `RFC 9110 15: "A client that receives a response with an invalid status code SHOULD process the response as if it had a 5xx"`, "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", 999, "ok"},
}

func TestResponseSplitting(t *testing.T) {
	var now atomic.Pointer[script]
	u := newSpeaker(t, &now)
	g := start(t, bundle{target: u.address, limits: hasty})
	for _, c := range split {
		t.Run(c.name, func(t *testing.T) {
			if !strings.HasPrefix(c.rule, "RFC ") {
				t.Errorf("judged by %q", c.rule)
			}
			now.Store(&script{[]byte(c.sent), true})
			var requests strings.Builder
			for _, a := range asked {
				requests.WriteString(a.text)
			}
			told := g.say([]byte(requests.String()))
			checkAnswers(t, []byte(c.sent), told)
			first := bytes.Index(told, []byte("X-Request-Id: request-1"))
			if strings.Contains(string(told), "evil") || first < 0 {
				t.Errorf("the caller was told %q", told)
			}
			first = max(0, bytes.LastIndex(told[:max(first, 0)], []byte("HTTP/1.1 ")))
			wantFirst(t, told[first:], c.status, c.body)
		})
	}
}

// wantFirst checks the final answer that told begins with.
func wantFirst(t *testing.T, told []byte, code int, body string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(told)), nil)
	if err != nil {
		t.Fatalf("%v in %q", err, told)
	}
	got, err := io.ReadAll(r.Body)
	switch {
	case code == 0:
		if err == nil {
			t.Errorf("an answer that is not whole looks whole: %q", told)
		}
	case r.StatusCode != code:
		t.Errorf("status %d, want %d: %q", r.StatusCode, code, told)
	case code != 502 && string(got) != body:
		t.Errorf("body %q, want %q", got, body)
	}
}
