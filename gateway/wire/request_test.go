package wire_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"postern/gateway/wire"
)

// Heads that two readers could understand differently, each with the rule that
// refuses it. A request line and a host are added where there are none.
var refusedRequests = []struct {
	name, raw string
	want      *wire.Refusal
}{
	// RFC 9112 6.3: "might indicate an attempt to perform request smuggling".
	{"length before coding", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", wire.ErrTransferEncoding},
	{"coding before length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", wire.ErrTransferEncoding},
	// RFC 9110 8.6: "MUST NOT forward a message with a Content-Length header field value that does not match".
	{"length twice, same", "Content-Length: 3\r\nContent-Length: 3\r\n", wire.ErrContentLength},
	{"length twice, different", "Content-Length: 3\r\nContent-Length: 4\r\n", wire.ErrContentLength},
	{"length list", "Content-Length: 3,3\r\n", wire.ErrContentLength},
	{"length list, spaced", "Content-Length: 3, 3\r\n", wire.ErrContentLength},
	{"length signed", "Content-Length: +3\r\n", wire.ErrContentLength},
	{"length negative", "Content-Length: -3\r\n", wire.ErrContentLength},
	{"length hexadecimal", "Content-Length: 0x3\r\n", wire.ErrContentLength},
	{"length fraction", "Content-Length: 3.0\r\n", wire.ErrContentLength},
	{"length with a space", "Content-Length: 3 3\r\n", wire.ErrContentLength},
	{"length empty", "Content-Length:\r\n", wire.ErrContentLength},
	{"length past 64 bits", "Content-Length: 18446744073709551619\r\n", wire.ErrContentLength},
	{"length past 63 bits", "Content-Length: 9223372036854775808\r\n", wire.ErrContentLength},
	// RFC 9112 7: a coding that is not understood "SHOULD respond with 501".
	{"coding xchunked", "Transfer-Encoding: xchunked\r\n", wire.ErrCoding},
	{"coding gzip", "Transfer-Encoding: gzip\r\n", wire.ErrCoding},
	{"coding gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", wire.ErrCoding},
	{"coding chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n", wire.ErrCoding},
	{"coding quoted", "Transfer-Encoding: \"chunked\"\r\n", wire.ErrCoding},
	{"coding with a parameter", "Transfer-Encoding: chunked;a=b\r\n", wire.ErrCoding},
	// RFC 9112 6.1: "MUST NOT apply the chunked transfer coding more than once".
	{"coding list of two", "Transfer-Encoding: chunked, chunked\r\n", wire.ErrCoding},
	{"coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", wire.ErrTransferEncoding},
	{"coding identity first", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", wire.ErrTransferEncoding},
	{"coding identity", "Transfer-Encoding: identity\r\nContent-Length: 3\r\n", wire.ErrTransferEncoding},
	{"coding empty", "Transfer-Encoding:\r\n", wire.ErrTransferEncoding},
	// RFC 9112 6.1: "Transfer-Encoding was added in HTTP/1.1".
	{"coding on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", wire.ErrTransferEncoding},
	// RFC 9112 5.1: "No whitespace is allowed between the field name and colon".
	{"space before colon", "Transfer-Encoding : chunked\r\n", wire.ErrFieldName},
	{"tab before colon", "X\t: chunked\r\n", wire.ErrFieldName},
	{"no colon", "X\r\n", wire.ErrFieldName},
	{"no name", ": x\r\n", wire.ErrFieldName},
	{"name with a bracket", "X(y): z\r\n", wire.ErrFieldName},
	{"name not ASCII", "X\xc3\xa4: z\r\n", wire.ErrFieldName},
	{"name with NUL", "X\x00: z\r\n", wire.ErrFieldName},
	// RFC 9112 5.2: "MUST either reject the message by sending a 400".
	{"fold", "X: a\r\n b\r\n", wire.ErrFieldName},
	{"fold with tab", "X: a\r\n\tb\r\n", wire.ErrFieldName},
	{"fold of a coding", "Transfer-Encoding:\r\n chunked\r\n", wire.ErrFieldName},
	{"first line folded", "GET / HTTP/1.1\r\n Host: a\r\n", wire.ErrFieldName},
	// RFC 9112 2.2: a lone LF "MAY" be taken for a line end; here it is not.
	{"bare LF in request line", "GET / HTTP/1.1\nHost: a\r\n", wire.ErrLineEnd},
	{"bare LF after a field", "X: a\nY: b\r\n", wire.ErrLineEnd},
	{"bare LF for the empty line", "X: a\r\n\nGET /b HTTP/1.1\r\n", wire.ErrLineEnd},
	// RFC 9112 2.2: a bare CR is "invalid"; RFC 9110 5.5: CR, LF, NUL are "dangerous".
	{"bare CR in a value", "X: a\rY: b\r\n", wire.ErrFieldValue},
	{"bare CR before the end", "X: a\r\r\n", wire.ErrFieldValue},
	{"NUL in a value", "X: a\x00b\r\n", wire.ErrFieldValue},
	{"DEL in a value", "X: a\x7fb\r\n", wire.ErrFieldValue},
	{"bell in a value", "X: a\x07b\r\n", wire.ErrFieldValue},
	// RFC 9112 3.2: "lacks a Host header field ... or contains more than one".
	{"no host", "GET / HTTP/1.1\r\nX: a\r\n", wire.ErrHost},
	{"no fields", "GET / HTTP/1.1\r\n", wire.ErrHost},
	{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", wire.ErrHost},
	{"two equal hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", wire.ErrHost},
	{"host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n", wire.ErrHost},
	{"host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n", wire.ErrHost},
	{"host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n", wire.ErrHost},
	{"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n", wire.ErrHost},
	{"host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n", wire.ErrHost},
	{"host with a long port", "GET / HTTP/1.1\r\nHost: a:123456\r\n", wire.ErrHost},
	{"host with a port only", "GET / HTTP/1.1\r\nHost: :80\r\n", wire.ErrHost},
	{"host with open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n", wire.ErrHost},
	{"host with a name in brackets", "GET / HTTP/1.1\r\nHost: [name]\r\n", wire.ErrHost},
	{"host twin only", "GET / HTTP/1.1\r\nHo_st: a\r\n", wire.ErrHost},
	// RFC 9110 11.6.2: "a single" credentials value.
	{"two authorization fields", "Authorization: Bearer a\r\nauthorization: Basic b\r\n", wire.ErrAuthorization},
	// RFC 9110 10.1.1: 417 "if it cannot support that expectation".
	{"expectation unknown", "Content-Length: 3\r\nExpect: 200-ok\r\n", wire.ErrExpect},
	{"expectation twice", "Content-Length: 3\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n", wire.ErrExpect},
	{"expectation list", "Content-Length: 3\r\nExpect: 100-continue, x\r\n", wire.ErrExpect},
	// RFC 9110 7.6.1: Connection = #connection-option, a token.
	{"connection with a space", "Connection: close x\r\n", wire.ErrConnection},
	{"connection with a colon", "Connection: a:b\r\n", wire.ErrConnection},
}

// withLine completes a head that a table gives in part.
func withLine(raw string) string {
	line, _, _ := strings.Cut(raw, "\n")
	if !strings.Contains(line, " HTTP/") {
		raw = "POST / HTTP/1.1\r\nHost: a\r\n" + raw
	}
	return raw + "\r\n"
}

func TestRequestRefused(t *testing.T) {
	for _, tt := range refusedRequests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRequest(withLine(tt.raw))
			mustBe(t, err, tt.want)
		})
	}
}

// RFC 9112 3: request-line = method SP request-target SP HTTP-version.
func TestRequestLine(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       error
	}{
		{"ordinary", "GET / HTTP/1.1", nil},
		{"1.0", "GET / HTTP/1.0", nil},
		{"hyphen", "M-SEARCH / HTTP/1.1", nil},
		{"lower case", "get / HTTP/1.1", wire.ErrMethod},
		{"mixed case", "Get / HTTP/1.1", wire.ErrMethod},
		{"digit in method", "GET1 / HTTP/1.1", wire.ErrMethod},
		{"CONNECT", "CONNECT a:443 HTTP/1.1", wire.ErrMethod},
		{"TRACE", "TRACE / HTTP/1.1", wire.ErrMethod},
		{"method not a token", "G(T / HTTP/1.1", wire.ErrRequestLine},
		{"no method", " / HTTP/1.1", wire.ErrRequestLine},
		{"two spaces", "GET  / HTTP/1.1", wire.ErrRequestLine},
		{"two spaces before version", "GET /  HTTP/1.1", wire.ErrRequestLine},
		{"tab", "GET\t/ HTTP/1.1", wire.ErrRequestLine},
		{"space in target", "GET /a b HTTP/1.1", wire.ErrRequestLine},
		{"space after version", "GET / HTTP/1.1 ", wire.ErrRequestLine},
		{"space before method", " GET / HTTP/1.1", wire.ErrRequestLine},
		{"target not ASCII", "GET /\xc3\xa4 HTTP/1.1", wire.ErrRequestLine},
		{"target with NUL", "GET /\x00 HTTP/1.1", wire.ErrRequestLine},
		{"bare CR in target", "GET /\ra HTTP/1.1", wire.ErrRequestLine},
		{"bare CR after version", "GET / HTTP/1.1\rX: y", wire.ErrRequestLine},
		{"0.9", "GET /", wire.ErrRequestLine},
		{"nothing", "GET", wire.ErrRequestLine},
		{"version lower case", "GET / http/1.1", wire.ErrRequestLine},
		{"version long", "GET / HTTP/1.10", wire.ErrRequestLine},
		{"version short", "GET / HTTP/1", wire.ErrRequestLine},
		{"other protocol", "GET / ICAP/1.1", wire.ErrRequestLine},
		{"1.2", "GET / HTTP/1.2", wire.ErrVersion},
		{"2.0", "PRI * HTTP/2.0", wire.ErrVersion},
		{"9.9", "GET / HTTP/9.9", wire.ErrVersion},
		{"0.9 spelled out", "GET / HTTP/0.9", wire.ErrVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRequest(tt.line + "\r\nHost: a\r\n\r\n")
			mustBe(t, err, tt.want)
		})
	}
}

// A refusal is told to the caller, so it must name the rule and a status.
func TestRefusalStatus(t *testing.T) {
	for _, tt := range []struct {
		raw    string
		status int
	}{
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417},
		{"GET /" + strings.Repeat("a", headSize) + " HTTP/1.1\r\n", 414},
		{"GET / HTTP/1.1\r\nX: " + strings.Repeat("a", headSize), 431},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("X: a\r\n", headSize/6), 431},
	} {
		_, err := readRequest(tt.raw)
		var refusal *wire.Refusal
		if !errors.As(err, &refusal) || refusal.Status != tt.status {
			t.Errorf("%.40q: %v, want status %d", tt.raw, err, tt.status)
		}
		if !wire.IsRefusal(err) {
			t.Errorf("%.40q: %v is not taken for a refusal", tt.raw, err)
		}
	}
}

// A caller's text must not come back in an error: it may hold a token.
func TestRefusalTellsNothing(t *testing.T) {
	for _, tt := range refusedRequests {
		_, err := readRequest(strings.TrimSuffix(withLine(tt.raw), "\r\n") + "Authorization: Bearer s3cret\r\n\r\n")
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error quotes the head: %v", tt.name, err)
		}
	}
}

func TestRequestFraming(t *testing.T) {
	for _, tt := range []struct {
		name, raw string
		want      wire.Request
	}{
		{"no body", "", wire.Request{Length: -1}},
		{"length", "Content-Length: 3\r\n", wire.Request{Length: 3}},
		{"length zero", "Content-Length: 0\r\n", wire.Request{Length: 0}},
		{"length with leading zeros", "Content-Length: 003\r\n", wire.Request{Length: 3}},
		{"length, any case, space around", "cONTENT-lENGTH: \t 12 \t\r\n", wire.Request{Length: 12}},
		{"chunked", "Transfer-Encoding: chunked\r\n", wire.Request{Length: -1, Chunked: true}},
		{"chunked, any case", "TRANSFER-ENCODING: ChUnKeD \r\n", wire.Request{Length: -1, Chunked: true}},
		{"close", "Connection: close\r\n", wire.Request{Length: -1, Close: true}},
		{"close in a list", "Connection: keep-alive, Close\r\n", wire.Request{Length: -1, Close: true}},
		{"close on the second line", "Connection: x\r\nConnection: close\r\n", wire.Request{Length: -1, Close: true}},
		{"close, then keep-alive", "Connection: close\r\nConnection: keep-alive\r\n", wire.Request{Length: -1, Close: true}},
		{"empty list elements", "Connection: ,, close ,\r\n", wire.Request{Length: -1, Close: true}},
		{"keep-alive", "Connection: keep-alive\r\n", wire.Request{Length: -1}},
		{"1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n", wire.Request{HTTP10: true, Close: true, Length: -1}},
		{"1.0 with length", "GET / HTTP/1.0\r\nContent-Length: 4\r\n", wire.Request{HTTP10: true, Close: true, Length: 4}},
		{"expect", "Content-Length: 3\r\nExpect: 100-Continue\r\n", wire.Request{Length: 3, Expect: true}},
		{"expect chunked", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", wire.Request{Length: -1, Chunked: true, Expect: true}},
		{"expect without body", "Expect: 100-continue\r\n", wire.Request{Length: -1}},
		{"expect on 1.0", "GET / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n", wire.Request{HTTP10: true, Close: true, Length: 3}},
		{"trailers wanted", "TE: gzip, Trailers\r\n", wire.Request{Length: -1, Trailers: true}},
		{"trailers on the second line", "TE: trailers\r\nTE: gzip\r\n", wire.Request{Length: -1, Trailers: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := readRequest(withLine(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if m.Request != tt.want {
				t.Errorf("got %+v, want %+v", m.Request, tt.want)
			}
			if m.HasBody() != (tt.want.Chunked || tt.want.Length > 0) {
				t.Errorf("HasBody is %v", m.HasBody())
			}
			for _, name := range []string{"Content-Length", "Transfer-Encoding", "Connection", "TE"} {
				if v := m.head.Get(name); v != nil {
					t.Errorf("%s: %q would be forwarded", name, v)
				}
			}
			if kept := m.head.Get("Expect") != nil; kept != tt.want.Expect {
				t.Errorf("expect forwarded is %v, want %v", kept, tt.want.Expect)
			}
		})
	}
}

// One reader serves request after request; what is left must be the next one.
func TestRequestsFollowEachOther(t *testing.T) {
	br := newReader("\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
	for _, want := range []string{"/1 a", "/2 b"} {
		m := new(message)
		if err := m.read(br); err != nil {
			t.Fatal(err)
		}
		if got := string(m.header.RequestURI()) + " " + string(m.header.Host()); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	mustBe(t, new(message).read(br), io.EOF)
}

func TestSkipEmptyLine(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, tt := range []struct {
		name, before string
		want         error
	}{
		{"none", "", nil},
		{"one", "\r\n", nil},
		{"two", "\r\n\r\n", wire.ErrRequestLine},
		{"bare LF", "\n", wire.ErrLineEnd},
		{"bare CR", "\r", wire.ErrRequestLine},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readRequest(tt.before + request)
			mustBe(t, err, tt.want)
			// However the bytes come in.
			mustBe(t, new(message).read(drip(tt.before+request)), tt.want)
		})
	}
}
